"""`nabd route --dry-run`: what the rules in force would do with an export, without writing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from pipeline.columns import find_roles
from pipeline.columns.desk import find_desk
from pipeline.columns.roles import find_given
from pipeline.history.scales import is_outbound
from pipeline.output import COLUMNS, TYPES, read_topics
from pipeline.readers import Source, open_source
from pipeline.records import Row
from pipeline.routing.agreement import Agreement, agreement
from pipeline.routing.capacity import Strain, strains
from pipeline.routing.facts import Facts, Router, plain
from pipeline.routing.load import Load, load, loads
from pipeline.routing.scored import (
    SAMPLE,
    Job,
    ScoredRows,
    is_scored,
    readable,
    scored_rows,
    settings_for,
    without_risk,
)
from pipeline.routing.trial import Misroutes, Routed, misroutes, probability_right
from pipeline.settings import Settings
from pipeline.taxonomy import Taxonomy

TOPICS = "nabd_topics"


@dataclass(frozen=True, slots=True)
class DryRun:
    """`misroutes` are of all messages whose topics are known, `unreviewed` of those that no person looks at.

    `group` is the column of the export's own groups; `notes` say what was left out and why.
    """

    everything: Load
    loads: Mapping[str, Load]
    misroutes: Mapping[str, Misroutes]
    unreviewed: Mapping[str, Misroutes]
    group: str | None
    agreement: Agreement | None
    strains: Sequence[Strain]
    notes: Sequence[str]


def dry_run(job: Job, settings: Settings, errors: Console) -> DryRun:
    """Reads the whole export; one that is not scored yet is scored into a temporary file first, which `errors` says."""
    with _scored(job, settings, errors) as source:
        return _judge(source, job, settings_for(source, settings, errors))


@contextmanager
def _scored(job: Job, settings: Settings, errors: Console) -> Iterator[Source]:
    with open_source(job.source, **job.reading) as source:
        if is_scored(source.columns):
            yield source
            return
        with TemporaryDirectory(prefix="nabd-") as folder:
            errors.print("Not scored yet: scored first, into a temporary file that is deleted afterwards")
            with open_source(_score(source, Path(folder), job, settings, errors)) as scored:
                yield scored


def _score(source: Source, folder: Path, job: Job, settings: Settings, errors: Console) -> Path:
    from pipeline import bundle as bundles
    from pipeline.batch import score_rows
    from pipeline.progress import progress_bar
    from pipeline.settings import model_folder
    from pipeline.writers import RejectsWriter, open_writer

    path = folder / "scored.jsonl"
    bundle = bundles.load(model_folder(settings.model, settings.tracking), threads=settings.threads)
    roles = find_roles(source.columns, source.sample(SAMPLE), **job.columns)
    columns = [*source.columns, *(name for name in COLUMNS if name not in source.columns)]
    with (
        open_writer(path, columns=columns, types=TYPES) as writer,
        RejectsWriter(folder / "rejects.jsonl") as rejects,
        progress_bar(errors, source, disable=job.quiet) as advance,
    ):
        score_rows(source, roles, bundle, settings, (writer, rejects), on_window=advance)
    if rejects.count:
        errors.print(f"{rejects.count:,} rows could not be read and are left out; `nabd score` gives each its reason")
    return path


def _judge(source: Source, job: Job, settings: Settings) -> DryRun:
    scored = scored_rows(source, job)
    desk = find_desk(source.columns, named=_named(source.columns, job))
    messages, outbound = _routed(readable(source, job.source), scored, desk, settings)
    notes = _notes(messages, outbound, time=scored.roles.time, group=desk.get("group"))
    return DryRun(
        everything=load(messages),
        loads=loads(messages),
        misroutes=misroutes(messages),
        unreviewed=misroutes(messages, reviewed=False),
        group=desk.get("group"),
        agreement=agreement(messages),
        strains=strains(messages, settings.queues),
        notes=[note for note in (without_risk(settings, job), *notes) if note],
    )


def _named(columns: Sequence[str], job: Job) -> dict[str, str]:
    return {"group": find_given(columns, "group", job.group)} if job.group else {}


def _routed(
    rows: Iterator[Row], scored: ScoredRows, desk: Mapping[str, str], settings: Settings
) -> tuple[list[Routed], int]:
    """The customers' own messages, and how many were the desk's. Times are read as one column, so they come last."""
    from pipeline.columns.times import times

    router, outbound = Router(settings.routes), 0
    found: list[Routed] = []
    moments: list[Any] = []
    for row in rows:
        if "direction" in desk and is_outbound(row.values.get(desk["direction"])):
            outbound += 1
            continue
        found.append(_one(scored.facts(row), row, router, desk.get("group"), settings.labels))
        moments.append(row.values.get(scored.roles.time) if scored.roles.time else None)
    timed = zip(found, times(moments), strict=True)
    return [replace(each, time=moment) if moment else each for each, moment in timed], outbound


def _one(found: Facts, row: Row, router: Router, group: str | None, table: Taxonomy) -> Routed:
    decision, topics = router(found), plain(row.values.get(TOPICS))
    return Routed(
        queue=decision.queue,
        sla_minutes=decision.sla_minutes,
        group=plain(row.values.get(group)).strip() if group else "",
        right=probability_right(found, read_topics(topics), router, table) if topics or table.multilabel else None,
        review=bool(found["review"]),
    )


def _notes(messages: Sequence[Routed], outbound: int, *, time: str | None, group: str | None) -> list[str]:
    """What the result leaves out, and what to do about it."""
    untimed = sum(each.time is None for each in messages)
    unlisted = sum(each.right is None for each in messages)
    notes = {
        f"{outbound:,} messages of the desk itself left out": outbound,
        "no column holds times, so nothing is said of hours and capacity; name it with --time": not time,
        f"{untimed:,} messages without a time that can be read are in no hour": time and untimed,
        f"{unlisted:,} messages do not list their topics ({TOPICS}), so their misroutes are unknown; score them again"
        : unlisted,
        "no column holds the export's own groups; name it with --group": not group,
    }  # fmt: skip
    return [note for note, holds in notes.items() if holds]
