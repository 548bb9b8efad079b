"""A bundle -> a folder in MLflow's own format, which `mlflow models serve` and `mlflow.pyfunc.spark_udf` load.

It is complete: the bundle, its encoder, the routes, and the code of inference. So it needs the libraries of the base
install and MLflow, and no training library.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline import bundle as bundles
from pipeline.manifest import read_bundle_manifest
from pipeline.output import TYPES
from pipeline.route import COLUMN, Rule

SERVED = "served.json"
MODELS = "models"  # the artefact that is a folder of models
EXAMPLES = ("I was charged twice and nobody answers", "سحبتوا المبلغ مرتين ومحد يرد", "سفارشم هنوز نرسیده است")
ROOMS = ("training", "service", "synthetic", "report", "shipped")  # not needed to score
KINDS = {"string": "string", "float": "double", "int": "long"}
HIDDEN = ("nabd_sentiment", "nabd_sentiment_confidence", "nabd_sentiment_score")  # of a message out of scope
LIBRARIES = ("mlflow", "pandas")  # beside those of the base install


def save_model(folder: Path, out: Path, *, rules: Sequence[Rule]) -> None:
    """Writes the bundle `folder` to the new folder `out` as an MLflow model that routes by `rules`."""
    from mlflow.pyfunc import save_model as save

    with TemporaryDirectory(prefix="nabd-") as temporary:
        models, code = Path(temporary) / MODELS, Path(temporary) / "pipeline"
        for part in parts(folder):
            shutil.copytree(part, models / part.name)
        served = {"bundle": folder.resolve().name, "routes": [asdict(rule) for rule in rules]}
        (models / SERVED).write_text(json.dumps(served, ensure_ascii=False), encoding="utf-8")
        package = Path(__file__).parents[2]
        shutil.copytree(package, code, ignore=_left_out(package))
        save(
            str(out),
            python_model=str(Path(__file__).with_name("served.py")),
            artifacts={MODELS: str(models)},
            code_paths=[str(code)],
            signature=signature(rules),
            input_example=_example(),
            pip_requirements=list(requirements()),
        )


def parts(folder: Path) -> list[Path]:
    """The folders that a bundle needs: its own, its encoder's, and those of the two models of a cascade."""
    manifest, place = read_bundle_manifest(folder), folder.resolve()
    if "fast" not in manifest:
        return [place, bundles.find_encoder(place.parent, manifest["encoder"]).folder]
    both = (parts(bundles.find_bundle(place.parent, manifest[name])) for name in ("fast", "full"))
    return list(dict.fromkeys([place, *(part for found in both for part in found)]))


def size(folder: Path) -> int:
    """Bytes of all that a bundle needs to score; the measurements and pages beside it do not count."""
    kept = (".json", ".safetensors", ".onnx")
    files = [file for part in parts(folder) for file in part.iterdir() if file.suffix in kept]
    return sum(file.stat().st_size for file in files if file.name not in ("metrics.json", "retrain.json"))


def signature(rules: Iterable[Rule]) -> Any:
    """What a row holds: `text`, perhaps the channel and the columns that the routes ask for; and what comes out."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    asked = [key.removeprefix(COLUMN) for rule in rules for key in rule.when if key.startswith(COLUMN)]
    optional = [name for name in dict.fromkeys(["channel", *asked]) if name != "text"]
    inputs = [ColSpec(DataType.string, "text"), *(ColSpec(DataType.string, name, required=False) for name in optional)]
    outputs = [ColSpec(DataType[KINDS[kind]], name, required=name not in HIDDEN) for name, kind in TYPES.items()]
    return ModelSignature(Schema(list(inputs)), Schema(list(outputs)))


def requirements() -> Iterator[str]:
    """What to install where the model runs: the base install at the versions that are here, MLflow and pandas."""
    for name in (*_base(), *LIBRARIES):
        try:
            yield f"{name}=={version(name)}"
        except PackageNotFoundError:
            yield name


def _base() -> list[str]:
    from packaging.requirements import Requirement

    try:
        found = [Requirement(line) for line in requires("nabd") or ()]
    except PackageNotFoundError:
        return []
    return [each.name for each in found if each.marker is None or each.marker.evaluate({"extra": ""})]


def _example() -> Any:
    import pandas as pd

    return pd.DataFrame({"text": list(EXAMPLES)})


def _left_out(package: Path) -> Any:
    def ignore(folder: str, names: list[str]) -> list[str]:
        caches = [name for name in names if name == "__pycache__"]
        return caches + [name for name in names if Path(folder) == package and name in ROOMS]

    return ignore
