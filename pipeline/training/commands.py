"""`nabd data | encoder | train | evaluate`: options only; what they need is imported when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Option("--data", metavar="DIR", help="the prepared data, written by `nabd data`")]
Models = Annotated[Path, typer.Option(metavar="DIR", help="the folder of models")]
Name = Annotated[str, typer.Option(metavar="NAME", help="the model's folder below the models")]
Seed = Annotated[int, typer.Option(help="of every random draw")]

DATA, VECTORS = Path("build/data"), Path("build/vectors")


def training_commands(app: typer.Typer) -> None:
    """Adds the training verbs to `app`; they need the `train` extra."""
    for name, command in (("data", data), ("encoder", encoder), ("train", train), ("evaluate", evaluate)):
        app.command(name)(command)


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
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR")] = Path("models/encoder"),
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
    vectors: Annotated[Path, typer.Option(metavar="DIR", help="kept vectors")] = VECTORS,
    seed: Seed = 0,
) -> None:
    """Fit the heads on the frozen encoder, calibrate them on dev and write the bundle.

    nabd train --data build/data --name nabd-base
    """
    from pipeline.training.train import run

    typer.echo(run(data, models / name, vectors, seed=seed))


def evaluate(
    data: Folder = DATA,
    models: Models = Path("models"),
    name: Name = "nabd-base",
    docs: Annotated[Path, typer.Option(metavar="FILE", help="the page of results")] = Path("docs/results.md"),
    tracking: Annotated[str, typer.Option(help="an MLflow store")] = "sqlite:///build/mlflow.db",
    seed: Seed = 0,
) -> None:
    """Score every held-out set through `score()`, beside the baselines; write metrics.json, the card and the results.

    nabd evaluate --name nabd-base
    """
    from pipeline.training.evaluate import run

    typer.echo(run(data, models / name, docs, tracking=tracking, seed=seed))
