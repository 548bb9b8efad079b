"""`nabd report`: options only; what it needs is imported when it runs, from the extra `report`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.errors import UsageError

Column = typer.Option(metavar="COL", show_default="found by name and content", rich_help_panel="Columns")


def report_commands(app: typer.Typer) -> None:
    """Adds the verb of the page to `app`; it needs the extra `report`."""
    app.command("report")(report)


def report(
    scored: Annotated[str, typer.Argument(metavar="SCORED", help="a file that `nabd score` wrote")],
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="the page to write")],
    risk: Annotated[str | None, typer.Option(metavar="FILE", help="what `nabd risk` wrote of SCORED")] = None,
    embeddings: Annotated[
        str | None, typer.Option(metavar="FILE", help="what `nabd score --embeddings` wrote with SCORED")
    ] = None,
    lang: Annotated[str, typer.Option(help="of the page: en, ar or fa")] = "en",
    calendar: Annotated[
        str | None, typer.Option(help="gregorian or jalali", show_default="jalali for fa, else gregorian")
    ] = None,
    customer: Annotated[str | None, Column] = None,
    time: Annotated[str | None, Column] = None,
    ticket: Annotated[str | None, Column] = None,
    stage: Annotated[str | None, Column] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="names the labels", show_default="the one that scored SCORED")
    ] = None,
) -> None:
    """Write one self-contained page on a scored file, to open, to print or to send on.

    nabd report scored.csv --risk risk.csv -o report.html --lang fa
    """
    from rich.console import Console

    try:
        from pipeline.report.locale import Locale
        from pipeline.report.run import Report, run
    except ModuleNotFoundError as error:
        raise UsageError(f"a report needs {error.name}, which is not installed: pip install 'nabd[report]'") from None

    from pipeline.run import PLAIN
    from pipeline.settings import model_folder

    columns = {"customer": customer, "time": time, "ticket": ticket, "stage": stage}
    errors = Console(stderr=True, **PLAIN)
    folder = model_folder(model) if model else None
    if run(Report(scored, out, risk, embeddings, columns, folder), Locale.of(lang, calendar), errors):
        raise typer.Exit(3)
