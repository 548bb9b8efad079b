"""`nabd retrain`: options only; what it needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import UsageError

Column = typer.Option(metavar="COL", show_default="found by name and content", rich_help_panel="Columns")


def retrain_commands(app: typer.Typer) -> None:
    """Adds the verb of retraining to `app`; it needs the `train` extra."""
    app.command("retrain")(retrain)


def retrain(
    data: Annotated[str, typer.Argument(metavar="DATA", help="an export with labels; any file `nabd score` takes")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="the model to write, such as models/mine")],
    base: Annotated[str, typer.Option(metavar="NAME", help="the model to start from")] = "nabd-base",
    recipe: Annotated[str | None, typer.Option(help="heads or finetune", show_default="by the number of rows")] = None,
    label: Annotated[str | None, Column] = None,
    text: Annotated[str | None, Column] = None,
    customer: Annotated[str | None, Column] = None,
    time: Annotated[str | None, Column] = None,
    id: Annotated[str | None, Column] = None,
    taxonomy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="names, descriptions, categories and queues of the labels")
    ] = None,
    corrections: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="the table of labels that look wrong, `corrected` filled in"),
    ] = None,
    rare: Annotated[
        str, typer.Option(help="rows of labels too rare to learn: leave (out), or keep as other")
    ] = "leave",
    source: Annotated[
        Path | None, typer.Option(metavar="DIR", help="the transformers folder that finetune starts from")
    ] = None,
    only_check: Annotated[bool, typer.Option("--check", help="check the export and make no model")] = False,
    vectors: Annotated[Path, typer.Option(metavar="DIR", help="kept vectors")] = Path("build/vectors"),
    seed: Annotated[int, typer.Option(help="of every random draw")] = 0,
) -> None:
    """Learn your own labels from your own export: checked, split, compared with a plain baseline on rows set aside.

    nabd retrain labelled.csv -o models/mine
    """
    try:
        from pipeline.training.retrain.run import check, run
    except ModuleNotFoundError as error:
        raise UsageError(f"retraining needs {error.name}, which is not installed: pip install 'nabd[train]'") from None
    from pipeline.settings import model_folder
    from pipeline.training.retrain.survey import Request

    columns = {"label": label, "text": text, "customer": customer, "time": time, "id": id}
    request = Request(
        data, out, model_folder(base), recipe, columns, taxonomy, corrections, rare, source, vectors, seed
    )
    notes = check(request) if only_check else run(request).notes
    typer.echo("\n\n".join(note for note in notes if note))
