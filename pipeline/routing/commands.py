"""`nabd route`: options only; what it needs is imported when it runs."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.routing.scored import Job
    from pipeline.settings import Settings

Column = typer.Option(metavar="COL", show_default="found by name and content", rich_help_panel="Columns")


def routing_commands(app: typer.Typer) -> None:
    """Adds the verb of routes to `app`."""
    app.command("route")(route)


def route(
    source: Annotated[str, typer.Argument(metavar="SCORED", help="a file that `nabd score` wrote; - is stdin")],
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="OUT", help="file to write, or - for stdout")
    ] = None,
    risk: Annotated[str | None, typer.Option(metavar="FILE", help="the table that `nabd risk` wrote")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="write nothing; say what the routes would do with an export")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the dry run as one JSON object instead of tables")] = False,
    group: Annotated[
        str | None,
        typer.Option(metavar="COL", help="the export's own groups, for --dry-run", rich_help_panel="Columns"),
    ] = None,
    text: Annotated[str | None, Column] = None,
    customer: Annotated[str | None, Column] = None,
    time: Annotated[str | None, Column] = None,
    id: Annotated[str | None, Column] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="whose labels the routes name", show_default="the one that scored"),
    ] = None,
    settings: Annotated[Path | None, typer.Option(metavar="FILE", help="instead of ./nabd.toml")] = None,
    format: Annotated[str | None, typer.Option(help="format of SCORED, when it cannot be told")] = None,
    encoding: Annotated[str | None, typer.Option(help="encoding of SCORED, when it cannot be told")] = None,
    delimiter: Annotated[str | None, typer.Option(help="delimiter of SCORED, when it cannot be told")] = None,
    sheet: Annotated[str | None, typer.Option(help="sheet of a workbook")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="no progress, no summary")] = False,
) -> None:
    """Route a scored file anew, with the risk of each customer, or try the routes on an export by --dry-run.

    nabd route scored.csv -o routed.csv --risk risk.csv
    """
    from pipeline import settings as files
    from pipeline.routing.scored import Job

    if dry_run == (out is not None):
        raise UsageError("give either -o OUT, to write the file routed anew, or --dry-run, which writes nothing")
    if not dry_run and (as_json or group):
        raise UsageError("--json and --group belong to --dry-run; add it, or leave them out")
    columns = {"text": text, "customer": customer, "time": time, "id": id}
    reading = {"format": format, "encoding": encoding, "delimiter": delimiter, "sheet": sheet}
    job = Job(source, out, risk, reading, columns, group, quiet)
    chosen = files.load_settings(settings, model=model)
    if dry_run:
        _try(job, chosen, as_json=as_json)
    else:
        _apply(job, chosen)


def _try(job: Job, settings: Settings, *, as_json: bool) -> None:
    from pipeline.routing.dryrun import dry_run
    from pipeline.routing.view import print_dry_run, to_json

    found = dry_run(job, settings, _console(stderr=True))
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8")  # a pipe of Windows is not
    if as_json:
        print(to_json(found))
    else:
        print_dry_run(found, _console(stderr=False))


def _apply(job: Job, settings: Settings) -> None:
    from pipeline.routing.reroute import reroute
    from pipeline.routing.view import print_changes

    changes = reroute(job, settings, _console(stderr=True))
    if not job.quiet:
        print_changes(changes, _console(stderr=job.out == "-"), risk=bool(job.risk))


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)
