"""One `nabd review`: the most informative messages of a file in a sheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.settings import Settings
from pipeline.training.retrain.rows import Export, read_export
from pipeline.training.review.choose import choose
from pipeline.training.review.pool import Candidates, read_candidates
from pipeline.training.review.sheet import write_sheet

KNOWN = "Chosen among those that the model, which knows these labels, is least sure of."
UNKNOWN = (
    "Chosen as typical of all: the model does not know your labels yet. Once it does, `--labelled` and `--model` bring "
    "what it is unsure of."
)


@dataclass(frozen=True, slots=True)
class Job:
    """`columns` are of the roles that the user named; `labelled` is an export with labels, or None."""

    source: str
    out: Path
    budget: int
    columns: Mapping[str, str | None]
    labelled: str | None = None
    balance: str = "sqrt"
    seed: int = 0


def pick(job: Job, settings: Settings) -> str:
    """Writes the sheet; returns a line on what is in it."""
    known = read_export(job.labelled) if job.labelled else None
    rows = known.rows if known else []
    found = read_candidates(job.source, settings, rows, columns=job.columns, seed=job.seed)
    places = choose(found.pool, job.budget, balance=job.balance, seed=job.seed)
    write_sheet(job.out, [found.rows[place] for place in places], rows)
    return _told(job, found, places, known)


def _told(job: Job, found: Candidates, places: list[int], known: Export | None) -> str:
    languages = Counter(found.rows[place].language for place in places)
    spoken = ", ".join(
        f"{count} {name}" for name, count in sorted(languages.items(), key=lambda pair: (-pair[1], pair[0]))
    )
    lines = [f"{job.out}: {len(places):,} of {found.seen:,} messages to label ({spoken}), by {found.model}"]
    if known:
        lines.append(f"After them the {len(known.rows):,} rows of {known.path} that have a label already.")
    lines.append(UNKNOWN if found.pool.uncertainty is None else KNOWN)
    if len(places) < job.budget:
        lines.append(f"{job.budget:,} were asked for: what is left says what these say, in other words at most.")
    lines.append("Fill in `label`, then: nabd retrain " + str(job.out) + " -o models/mine")
    return "\n".join(lines)
