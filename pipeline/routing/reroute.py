"""One `nabd route`: the rules in force over a scored file, row by row, without scoring it again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from pipeline.batch import windows
from pipeline.output import TYPES, decision_cells
from pipeline.readers import open_source
from pipeline.records import Row
from pipeline.routing.facts import Facts, Router, plain
from pipeline.routing.scored import Job, readable, refuse_unscored, scored_rows, settings_for, without_risk
from pipeline.settings import Settings
from pipeline.writers import open_writer


@dataclass
class Changes:
    """What routing anew changed; `moved` counts (queue before, queue now) of the rows whose queue is another."""

    rows: int = 0
    banded: int = 0
    queues: Counter[str] = field(default_factory=Counter)
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, before: str, now: str, *, banded: bool) -> None:
        self.rows += 1
        self.banded += banded
        self.queues[now] += 1
        if before != now:
            self.moved[before, now] += 1


def reroute(job: Job, settings: Settings, errors: Console) -> Changes:
    """Writes `job.out`: the columns that the routes decide are theirs, every other and the order stay."""
    changes = Changes()
    with open_source(job.source, **job.reading) as source:
        refuse_unscored(source.columns, job.source)
        settings = settings_for(source, settings, errors)
        router, scored = Router(settings.routes), scored_rows(source, job)
        if note := without_risk(settings, job):
            errors.print(note)
        with open_writer(str(job.out), columns=source.columns, source=source, types=TYPES) as writer:
            for window in windows(readable(source, job.source)):
                rows = [item for item in window if isinstance(item, Row)]
                writer.write([_rerouted(row, scored.facts(row), router, changes) for row in rows])
    return changes


def _rerouted(row: Row, found: Facts, router: Router, changes: Changes) -> dict[str, Any]:
    """A cell that says the same already stays as it was read."""
    decision = router(found)
    changes.add(plain(row.values.get("nabd_queue")), decision.queue, banded=bool(found["risk"]))
    new = {k: cell for k, cell in decision_cells(decision).items() if plain(row.values.get(k)) != plain(cell)}
    return {**row.values, **new}
