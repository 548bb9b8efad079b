"""`nabd data | encoder | train | evaluate`: options only; what they need is imported when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import UsageError

Folder = Annotated[Path, typer.Option("--data", metavar="DIR", help="the prepared data, written by `nabd data`")]
Models = Annotated[Path, typer.Option(metavar="DIR", help="the folder of models")]
Name = Annotated[str, typer.Option(metavar="NAME", help="the model's folder below the models")]
Vectors = Annotated[Path, typer.Option(metavar="DIR", help="kept vectors")]
Seed = Annotated[int, typer.Option(help="of every random draw")]

DATA, VECTORS = Path("build/data"), Path("build/vectors")


def training_commands(app: typer.Typer) -> None:
    """Adds the training verbs to `app`; they need the `train` extra."""
    for command in (data, encoder, train, distil, calibrate, evaluate):
        app.command()(command)


def data(
    data_dir: Annotated[
        Path | None,
        typer.Option(envvar="NABD_DATA_DIR", metavar="DIR", help="data/ and gold/ of the sources [default: ../shared]"),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR")] = DATA,
    licence: Annotated[
        str, typer.Option(help="any, or stated: leave out train rows of sources that state no licence")
    ] = "any",
    seed: Seed = 0,
    fetch: Annotated[bool, typer.Option("--fetch", help="download missing sources from the hub")] = False,
) -> None:
    """Gather the labelled sources into one file: labels mapped, duplicates dropped, splits kept apart.

    nabd data --data-dir ../shared -o build/data
    """
    from pipeline.training.prepare import run

    report, unfetched = run(data_dir, out, licence=licence, seed=seed, fetch=fetch)
    for line in unfetched:
        typer.echo(line, err=True)
    typer.echo(report.to_markdown())


def encoder(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="a transformers folder")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR")] = Path("models/encoder-frozen"),
    data: Folder = DATA,
    seed: Seed = 0,
) -> None:
    """Export a transformers encoder to int8 ONNX and measure its cosine to the original.

    nabd encoder ../shared/encoder/multilingual-e5-small-arfaen
    """
    from pipeline.training.export import run

    typer.echo(run(source, out, data, seed=seed))


def train(
    data: Folder = DATA,
    models: Models = Path("models"),
    name: Name = "nabd-base",
    recipe: Annotated[str, typer.Option(help="heads, on an encoder as it is, or finetune")] = "heads",
    source: Annotated[
        Path | None, typer.Option(metavar="DIR", help="the transformers folder that finetune starts from")
    ] = None,
    start: Annotated[
        Path | None, typer.Option(metavar="DIR", help="an int8 encoder made of --source, to fine-tune further")
    ] = None,
    encoder: Annotated[str, typer.Option(metavar="NAME", help="the encoder's folder below the models")] = "encoder",
    vectors: Vectors = VECTORS,
    seed: Seed = 0,
) -> None:
    """Train a model, calibrate it on dev and write the bundle; `finetune` goes on where it was stopped.

    nabd train --recipe finetune --source ../shared/encoder/multilingual-e5-small-arfaen
    """
    from pipeline.training import train as recipes

    if recipe == "heads":
        typer.echo(recipes.train_heads(data, models / name, vectors, encoder=encoder, seed=seed))
    elif recipe == "finetune" and source is not None:
        typer.echo(recipes.finetune(source, data, models / name, vectors, encoder=encoder, start=start, seed=seed))
    else:
        raise UsageError(f"--recipe is {recipe!r}: expected heads, or finetune together with --source")


def calibrate(
    max_misroutes: Annotated[str, typer.Option(metavar="SHARE", help="of what no person looks at: 5% or 0.05")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="the model to write, beside the others")],
    model: Annotated[str, typer.Option(metavar="NAME", help="the model to start from")] = "nabd-base",
    labelled: Annotated[
        str | None, typer.Option(metavar="FILE", help="an export with labels; else the dev rows of --data")
    ] = None,
    category: Annotated[str, typer.Option(metavar="COL", help="its column of categories or topics")] = "category",
    text: Annotated[str | None, typer.Option(metavar="COL", help="its column of messages")] = None,
    data: Folder = DATA,
) -> None:
    """Turn an error budget into thresholds by category and language, and say what share goes to a person.

    nabd calibrate --max-misroutes 5% -o models/nabd-strict
    """
    from pipeline import bundle as bundles
    from pipeline.settings import model_folder
    from pipeline.training import budget

    allowed, folder = budget.parse_share(max_misroutes), model_folder(model)
    loaded = bundles.load(folder)
    rows = budget.read_labelled(labelled, text=text, category=category, bundle=loaded) if labelled else None
    found = budget.run(loaded, out, budget.dev_rows(data) if rows is None else rows, allowed=allowed)
    budget.take_routes(folder, out)
    typer.echo(found)


def evaluate(
    data: Folder = DATA,
    models: Models = Path("models"),
    name: Name = "nabd-base",
    docs: Annotated[Path, typer.Option(metavar="FILE", help="the page of results")] = Path("docs/results.md"),
    vectors: Vectors = VECTORS,
    baselines: Annotated[bool, typer.Option(help="fit TF-IDF beside it")] = True,
    tracking: Annotated[str, typer.Option(help="an MLflow store")] = "sqlite:///build/mlflow.db",
    seed: Seed = 0,
) -> None:
    """Score every held-out set through `score()`, beside the baselines; write metrics.json, the card and the results.

    nabd evaluate --name nabd-base
    """
    from pipeline.training.evaluate import Judging, run

    typer.echo(run(data, models / name, docs, Judging(vectors, seed, baselines), tracking=tracking))


def distil(
    data: Folder = DATA,
    models: Models = Path("models"),
    teacher: Annotated[str, typer.Option(metavar="NAME", help="the model that teaches")] = "nabd-base",
    name: Name = "nabd-fast",
    vectors: Vectors = VECTORS,
    seed: Seed = 0,
) -> None:
    """Teach a fast student what a model says, and put the two in a cascade.

    nabd distil --teacher nabd-base --name nabd-fast
    """
    from pipeline.training.distil import run

    typer.echo(run(data, models / teacher, models / name, vectors, seed=seed))
