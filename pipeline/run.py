"""One `nabd score`: open the files, say what was found, score, sum up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline import bundle as bundles
from pipeline.batch import score_rows
from pipeline.columns import Roles, find_roles
from pipeline.emerging.embeddings import keeping
from pipeline.errors import UsageError
from pipeline.output import COLUMNS, EVIDENCE, TYPES
from pipeline.progress import progress_bar
from pipeline.readers import Source, open_source
from pipeline.settings import Settings, model_folder
from pipeline.summary import Summary
from pipeline.writers import RejectsWriter, open_writer

SAMPLE = 200  # rows looked at to tell the columns apart
PLAIN: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False, "soft_wrap": True}  # names as they are


@dataclass(frozen=True, slots=True)
class Job:
    """`reading` are the options of `open_source`, `columns` the roles the user named; `-` is stdin or stdout.

    `embeddings` is the Parquet file that keeps the vector of every scored row; None keeps none. `evidence` adds the
    sentence that decided.
    """

    source: str
    out: str
    rejects: str | None
    reading: Mapping[str, str | None]
    columns: Mapping[str, str | None]
    quiet: bool = False
    embeddings: str | None = None
    evidence: bool = False


def run(job: Job, settings: Settings) -> Summary:
    """Scores a file into another. The summary is printed, to stderr when the rows go to stdout."""
    errors, results = (Console(stderr=err, **PLAIN) for err in (True, job.out == "-"))
    rejects_path = _rejects_path(job)
    bundle = bundles.load(model_folder(settings.model, settings.tracking), threads=settings.threads)
    with open_source(job.source, **job.reading) as source:
        roles = find_roles(source.columns, source.sample(SAMPLE), **job.columns)
        if not job.quiet:
            errors.print(describe(source, roles))
        ours = (*COLUMNS, EVIDENCE) if job.evidence else COLUMNS
        columns = [*source.columns, *(name for name in ours if name not in source.columns)]
        with (
            open_writer(job.out, columns=columns, source=source, types=TYPES | {EVIDENCE: "string"}) as writer,
            RejectsWriter(rejects_path) as rejects,
            keeping(job.embeddings, bundle) as keep,
            progress_bar(errors, source, disable=job.quiet) as advance,
        ):
            outputs = (writer, rejects)
            summary = score_rows(source, roles, bundle, settings, outputs, on_window=advance, on_judged=keep)
        if summary.rejected:
            errors.print(f"{summary.rejected:,} rows could not be read; each with its reason: {rejects.path}")
        elif job.rejects is None:
            Path(rejects_path).unlink(missing_ok=True)  # of an earlier run: it would speak of this one
        for reason, count in source.skipped.items():
            errors.print(f"{count:,} left out: {reason}")
    if not job.quiet:
        summary.print(results)
        errors.print(f"Written to {job.out} by {bundle.version}" if job.out != "-" else f"Scored by {bundle.version}")
    return summary


def describe(source: Source, roles: Roles) -> str:
    """What was found in a file, before any row is scored: its format, the column of each role and how it was told."""
    found: dict[str, list[str]] = {}
    for role, how in roles.how.items():
        found.setdefault(how, []).append(f"{role} = {getattr(roles, role)}")
    return "\n".join([source.description, *(f"{', '.join(names)} ({how})" for how, names in found.items())])


def _rejects_path(job: Job) -> str:
    """Where the rejects go: as asked, else beside the output. Raises UsageError where two files of the job are one."""
    name = job.out if job.out != "-" else job.source if job.source != "-" else "nabd"
    path = job.rejects or f"{name}.rejects.jsonl"
    _check_apart(path, "rejects", {"input": job.source, "output": job.out})
    if job.embeddings:
        _check_apart(job.embeddings, "embeddings", {"input": job.source, "output": job.out, "rejects": path})
    return path


def _check_apart(path: str, what: str, others: Mapping[str, str]) -> None:
    """Raises UsageError when `path` is one of the `others`, by what they are."""
    for kind, other in others.items():
        if Path(path).resolve() == Path(other).resolve() and (kind, other) != ("input", "-"):
            raise UsageError(f"{path} is the {kind} itself, so {what} cannot go there; name another file by --{what}")
