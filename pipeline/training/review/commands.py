"""`nabd review`: options only; what it needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import UsageError

Column = typer.Option(metavar="COL", show_default="found by name and content", rich_help_panel="Columns")


def review_commands(app: typer.Typer) -> None:
    """Adds the verb of reviewing to `app`; it needs the `train` extra."""
    app.command("review")(review)


def review(
    source: Annotated[
        str | None, typer.Argument(metavar="IN", help="unlabelled messages; any file `nabd score` takes")
    ] = None,
    budget: Annotated[int, typer.Option(min=1, metavar="N", help="how many messages to label")] = 300,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="the sheet to fill in")] = None,
    labelled: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="rows that have labels: none like them is chosen; kept in the sheet"),
    ] = None,
    curve: Annotated[
        str | None, typer.Option(metavar="FILE", help="instead: labelled rows, and what more of them would buy")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="the curve as a figure: .svg or .png")] = None,
    balance: Annotated[str, typer.Option(help="a language's share: equal, sqrt of its messages, or none")] = "sqrt",
    model: Annotated[str | None, typer.Option(metavar="NAME", help="a folder in models/, or a path")] = None,
    label: Annotated[str | None, Column] = None,
    text: Annotated[str | None, Column] = None,
    customer: Annotated[str | None, Column] = None,
    time: Annotated[str | None, Column] = None,
    id: Annotated[str | None, Column] = None,
    settings: Annotated[Path | None, typer.Option("--settings", metavar="FILE", help="instead of ./nabd.toml")] = None,
    threads: Annotated[int | None, typer.Option(help="processor threads; 0: all cores")] = None,
    vectors: Annotated[Path, typer.Option(metavar="DIR", help="kept vectors, of the curve")] = Path("build/vectors"),
    seed: Annotated[int, typer.Option(help="of every random draw")] = 0,
) -> None:
    """Pick the messages that teach the most, for a person to label; or show what more labels would buy, by --curve.

    nabd review tickets.csv --budget 300 -o to_label.csv
    """
    from pipeline import settings as files

    chosen = files.override(files.load_settings(settings), model=model, threads=threads)
    columns = {"text": text, "customer": customer, "time": time, "id": id}
    if curve is not None and source is None and out is None:
        typer.echo(_curve(curve, chosen.model, columns | {"label": label}, (vectors, plot), balance=balance, seed=seed))
        return
    if source is None or out is None or curve is not None or plot is not None:
        raise UsageError(
            "name the messages to choose from and the sheet to write, IN and -o; or by --curve labelled rows"
        )
    try:
        from pipeline.training.review.run import Job, pick
    except ModuleNotFoundError as error:
        raise _missing(error) from None

    typer.echo(pick(Job(source, out, budget, columns, labelled, balance, seed), chosen))


def _curve(
    data: str, model: str, columns: dict[str, str | None], places: tuple[Path, Path | None], *, balance: str, seed: int
) -> str:
    """`places` are the folder of vectors and the figure."""
    try:
        from pipeline.training.review.study import curve
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    from pipeline.settings import model_folder
    from pipeline.training.retrain.survey import Request

    vectors, plot = places
    request = Request(data, Path("curve"), model_folder(model), columns=columns, vectors=vectors, seed=seed)
    return curve(request, balance=balance, plot=plot)


def _missing(error: ModuleNotFoundError) -> UsageError:
    return UsageError(f"a review needs {error.name}, which is not installed: pip install 'nabd[train]'")
