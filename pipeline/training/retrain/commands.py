"""`nabd retrain`: options only; what it needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.records import Annotation

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
    multilabel: Annotated[
        bool | None,
        typer.Option(
            "--multi-label/--one-label", help="rows may have several labels", show_default="as the export has it"
        ),
    ] = None,
    rare: Annotated[
        str, typer.Option(help="rows of labels too rare to learn: leave (out), or keep as other")
    ] = "leave",
    source: Annotated[
        Path | None, typer.Option(metavar="DIR", help="the transformers folder that finetune starts from")
    ] = None,
    feedback: Annotated[
        bool, typer.Option("--feedback", help="learn, too, what people said in the service, from its store")
    ] = False,
    held_out: Annotated[
        str | None, typer.Option(metavar="FILE", help="labelled messages to be judged by as well; none is learnt")
    ] = None,
    only_check: Annotated[bool, typer.Option("--check", help="check the export and make no model")] = False,
    vectors: Annotated[Path, typer.Option(metavar="DIR", help="kept vectors")] = Path("build/vectors"),
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="names the store of --feedback, instead of ./nabd.toml")
    ] = None,
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
        data, out, model_folder(base), recipe, columns, taxonomy, corrections, rare, source, vectors, seed,
        feedback=_annotated(settings) if feedback else None, multilabel=multilabel, held_out=held_out,
    )  # fmt: skip
    notes = check(request) if only_check else run(request).notes
    typer.echo("\n\n".join(note for note in notes if note))


def _annotated(settings: Path | None) -> list[Annotation]:
    """The one place where training meets the service."""
    from pipeline.service.extra import serving

    with serving():
        from pipeline.service.store import administer
    return administer.annotated(settings)
