"""`nabd threads`: options only; what it needs is imported when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

Scored = Annotated[str, typer.Argument(metavar="SCORED", help="a file that `nabd score` wrote")]
Column = typer.Option(metavar="COL", show_default="found by name and content", rich_help_panel="Columns")


def history_commands(app: typer.Typer) -> None:
    """Adds the verb of tickets to `app`."""
    app.command("threads")(threads)


def threads(
    scored: Scored,
    out: Annotated[str, typer.Option("--out", "-o", metavar="OUT", help="file to write, or - for stdout")],
    ticket: Annotated[str | None, Column] = None,
    customer: Annotated[str | None, Column] = None,
    time: Annotated[str | None, Column] = None,
    id: Annotated[str | None, Column] = None,
) -> None:
    """Join the messages of each ticket in time order; its state is what the customer said last, and whence it came.

    nabd threads scored.csv -o tickets.csv
    """
    from rich.console import Console

    from pipeline.history.run import run
    from pipeline.run import PLAIN

    columns = {"ticket": ticket, "customer": customer, "time": time, "id": id}
    if run(scored, out, columns=columns, errors=Console(stderr=True, **PLAIN)):
        raise typer.Exit(3)
