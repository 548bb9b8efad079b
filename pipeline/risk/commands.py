"""`nabd risk`: options only; what it needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

REJECTS = 3  # the exit code of a run that left rows out
Column = typer.Option(metavar="COL", show_default="found by name and content", rich_help_panel="Columns")


def risk_commands(app: typer.Typer) -> None:
    """Adds the verb of customer risk to `app`; learning and looking back need the `report` extra."""
    app.command("risk")(risk_command)


def risk_command(
    scored: Annotated[str, typer.Argument(metavar="SCORED", help="a file written by `nabd score`")],
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="OUT", help="one row a customer; - is stdout [default: none]")
    ] = None,
    now: Annotated[
        str | None, typer.Option(metavar="TIME", help="as of this day or time [default: the last message's]")
    ] = None,
    churned: Annotated[
        str | None,
        typer.Option(metavar="COL", help="the day that the customer left: learn from it; adds `churn_probability`"),
    ] = None,
    backtest: Annotated[
        bool, typer.Option("--backtest", help="would it have found those who left, and sooner than counting tickets?")
    ] = False,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="the backtest as SVG or PNG")] = None,
    customer: Annotated[str | None, Column] = None,
    time: Annotated[str | None, Column] = None,
    id: Annotated[str | None, Column] = None,
    ticket: Annotated[str | None, Column] = None,
    settings: Annotated[Path | None, typer.Option(metavar="FILE", help="instead of ./nabd.toml")] = None,
) -> None:
    """Rank the customers that the desk is about to lose, each with the reasons and the messages behind them.

    nabd risk scored.csv -o risk.csv
    """
    from pipeline.risk.run import Options, run
    from pipeline.settings import load_settings

    columns = {"customer": customer, "time": time, "id": id, "ticket": ticket, "left": churned}
    options = Options(now, columns, learns=churned is not None, backtests=backtest, plot=plot)
    if run(scored, out, settings=load_settings(settings), options=options):
        raise typer.Exit(REJECTS)
