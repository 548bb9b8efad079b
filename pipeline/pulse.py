"""One `nabd run`: score an export, join its tickets, rank its customers, report on it; all of it in one folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from pipeline.columns.roles import Roles, find_roles
from pipeline.errors import ColumnError, OutputError, UsageError
from pipeline.history.read import read_history
from pipeline.history.run import tell, write_tickets
from pipeline.readers import open_source
from pipeline.report.locale import Locale
from pipeline.report.run import Report, write_page
from pipeline.risk.run import Options, write_ranks
from pipeline.run import PLAIN, SAMPLE, Job
from pipeline.run import run as score_file
from pipeline.settings import Settings, model_folder
from pipeline.writers import FORMATS


@dataclass(frozen=True, slots=True)
class Pulse:
    """`export` is a file that `nabd score` takes; `columns` are the roles that the user named."""

    export: str
    folder: Path
    columns: Mapping[str, str | None]
    quiet: bool = False


def run(pulse: Pulse, settings: Settings, locale: Locale) -> int:
    """Returns how many rows were rejects.

    Raises ColumnError before any scoring when the export has no column of times, which risk and report need.
    """
    if pulse.export == "-":
        raise UsageError("`nabd run` reads an export more than once, so it cannot be stdin; name a file")
    errors = Console(stderr=True, **PLAIN)
    roles, kind = _look(pulse)
    folder = _made(pulse.folder)
    scored, vectors, risks = str(folder / f"scored.{kind}"), str(folder / "vectors.parquet"), str(folder / "risk.csv")
    roles_named = {role: pulse.columns.get(role) for role in ("text", "customer", "time", "id")}
    job = Job(pulse.export, scored, None, {}, roles_named, pulse.quiet, vectors, evidence=True)
    rejected = score_file(job, settings).rejected
    history = read_history(scored, columns=pulse.columns)
    tell(history, str(folder / "history"), errors)
    write_tickets(history, str(folder / "tickets.csv"), errors)
    if roles.customer is None:
        errors.print("no column of customers, so no risk; name it with --customer")
    else:
        write_ranks(history, scored, risks, settings=settings, options=Options(columns=pulse.columns))
    model = model_folder(settings.model, settings.tracking)
    page = Report(scored, str(folder / "report.html"), risks if roles.customer else None, vectors, pulse.columns, model)
    write_page(history, page, locale, errors)
    return rejected + len(history.rejects)


def _look(pulse: Pulse) -> tuple[Roles, str]:
    """The columns of the export, and the format of its scored copy."""
    named = {role: pulse.columns.get(role) for role in ("text", "customer", "time", "id")}
    with open_source(pulse.export) as source:
        roles = find_roles(source.columns, source.sample(SAMPLE), **named)
        kind = source.format if source.format in FORMATS else "jsonl"
    if roles.time is None:
        raise ColumnError(f"no column of {pulse.export} holds times; name it with --time, or use `nabd score` alone")
    return roles, kind


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made a folder: {error.strerror}") from None
    return folder
