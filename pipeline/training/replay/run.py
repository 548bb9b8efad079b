"""One `nabd replay`: both models over an export, the sums on the screen, the files in a folder."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from pipeline import bundle as bundles
from pipeline.judging import read_judged
from pipeline.run import PLAIN
from pipeline.settings import Settings, model_folder
from pipeline.training.registry.routes import routes_of
from pipeline.training.registry.store import Registry
from pipeline.training.replay.compare import Job, replay
from pipeline.training.replay.fact import Model
from pipeline.training.replay.judged import store_judged
from pipeline.training.replay.sample import Sample
from pipeline.training.replay.sheet import write_files
from pipeline.training.replay.summary import add_up
from pipeline.training.replay.view import print_effect, to_json


def run(job: Job, models: tuple[str, str], settings: Settings, *, out: Path | None, as_json: bool, seed: int) -> None:
    """`models` are the names of the old and of the new."""
    errors, results = (Console(stderr=err, **PLAIN) for err in (True, False))
    folders = [model_folder(name, settings.tracking) for name in models]
    old, new = (_model(folder, settings) for folder in folders)
    found = replay(job, old, new, Sample(seed), errors)
    effect = add_up(found, settings.risk)
    if out is not None:
        for path in write_files(out, found, effect, models=(old.bundle, new.bundle)):
            errors.print(f"Written: {path}")
    if as_json:
        sys.stdout.write(f"{to_json(effect)}\n")
    else:
        results.print(f"{old.bundle.version} -> {new.bundle.version}")
        print_effect(effect, results)


def take_judged(path: str, new: str, settings: Settings, *, by: str) -> str:
    """Keeps what a person judged with the version of the new model, which is registered first if need be."""
    found = read_judged(path, by=by)
    registry = Registry(settings.tracking, create=True)
    if registry.of_bundle(found.new) is None:
        folder = model_folder(new, settings.tracking)
        registry.register(folder, routes_of(folder, settings))
    version = store_judged(found, registry)
    verdicts = f"{found.better} better, {found.worse} worse, {found.same} same"
    return f"{version.title}: {verdicts}; were both alike, so many worse ones had p = {found.chance():.3f}"


def _model(folder: Path, settings: Settings) -> Model:
    bundle = bundles.load(folder, threads=settings.threads)
    return Model(bundle, routes_of(folder, settings))
