"""`nabd synthetic`: options only; what it needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.synthetic.world import START


def synthetic_commands(app: typer.Typer) -> None:
    """Adds the verb of the synthetic year to `app`."""
    app.command("synthetic")(synthetic)


def synthetic(
    out: Annotated[str, typer.Option("--out", "-o", metavar="OUT", help="file to write, or - for stdout")],
    messages: Annotated[int, typer.Option(help="how many rows")] = 50_000,
    customers: Annotated[
        int | None, typer.Option(help="how many customers, though not each writes [default: a tenth of the messages]")
    ] = None,
    seed: Annotated[int, typer.Option(help="of every random draw")] = 0,
    null: Annotated[bool, typer.Option("--null", help="who leaves has nothing to do with any message")] = False,
    start: Annotated[str, typer.Option(metavar="DAY", help="the first day of the year")] = START.isoformat(),
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="also write what no desk knows, one row a customer")
    ] = None,
) -> None:
    """Invent a year of a support desk, to try Nabd on: no row is real, and every row says so.

    nabd synthetic -o year.csv --messages 50000 --seed 0
    """
    from pipeline.synthetic.files import write_year

    write_year(out, truth, messages=messages, customers=customers, seed=seed, null=null, start=start)
