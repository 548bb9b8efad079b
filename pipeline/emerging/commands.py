"""`nabd emerging`: options only; what it needs is imported when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.errors import UsageError

Column = typer.Option(metavar="COL", show_default="found by name and content", rich_help_panel="Columns")


def emerging_commands(app: typer.Typer) -> None:
    """Adds the verb of emerging issues to `app`; it needs the `report` extra."""
    app.command("emerging")(emerging)


def emerging(
    scored: Annotated[str, typer.Argument(metavar="SCORED", help="a file written by `nabd score --embeddings`")],
    embeddings: Annotated[str, typer.Option(metavar="FILE", help="the vectors that were kept with it")],
    window_days: Annotated[int, typer.Option(min=1, help="the last days looked at; compared with 4 times before")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object instead of a table")] = False,
    text: Annotated[str | None, Column] = None,
    customer: Annotated[str | None, Column] = None,
    time: Annotated[str | None, Column] = None,
    id: Annotated[str | None, Column] = None,
) -> None:
    """Show what many customers began to write about in the days before the latest message.

    nabd emerging scored.csv --embeddings vectors.parquet
    """
    try:
        from pipeline.emerging.run import run
    except ModuleNotFoundError as error:
        raise UsageError(f"this needs {error.name}, which is not installed: pip install 'nabd[report]'") from None

    columns = {"text": text, "customer": customer, "time": time, "id": id}
    if run(scored, embeddings, columns=columns, window_days=window_days, as_json=as_json):
        raise typer.Exit(3)
