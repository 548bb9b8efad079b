"""One folder that holds everything a prediction depends on: save, load and verify it.

`manifest.json` names every part by sha256, its own content included; nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline import normalise, taxonomy
from pipeline.calibrate import Floats, probabilities
from pipeline.encoder import Encoder, OnnxEncoder, Vectors, read_manifest
from pipeline.errors import BundleError
from pipeline.heads import Heads

SCHEMA = 1
HEADS = "heads.safetensors"
FIELDS = {
    "schema": int, "name": str, "normaliser": str, "encoder": str, "taxonomy": dict, "tasks": dict,
    "temperatures": dict, "thresholds": dict, "training": dict, "files": dict, "built": dict, "sha256": str,
}  # fmt: skip


@dataclass(frozen=True)
class Bundle:
    """A model ready to score. `training` is what it learnt from, as recorded by the trainer."""

    name: str
    encoder: Encoder
    heads: Heads
    taxonomy: taxonomy.Taxonomy
    temperatures: Mapping[str, float]
    thresholds: Mapping[str, float]
    training: Mapping[str, Any] = field(default_factory=dict)
    sha256: str = "unsaved"

    @cached_property
    def version(self) -> str:
        """Name and the first of its hash: what `nabd_model` says."""
        return f"{self.name}@{self.sha256[:8]}"

    def probabilities(self, vectors: Vectors) -> dict[str, Floats]:
        """(n, d) -> per task (n, labels), calibrated."""
        return {
            task: probabilities(values, self.temperatures[task]) for task, values in self.heads.logits(vectors).items()
        }


def save(bundle: Bundle, folder: Path, *, built: Mapping[str, Any] | None = None) -> str:
    """Writes the folder, its manifest last; returns the manifest's sha256.

    `built` (when, by which revision and libraries) stays out of that hash: the same inputs give the same hash.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").unlink(missing_ok=True)
    bundle.heads.save(folder / HEADS)
    manifest: dict[str, Any] = {
        "schema": SCHEMA,
        "name": bundle.name,
        "normaliser": normalise.VERSION,
        "encoder": bundle.encoder.id,
        "taxonomy": bundle.taxonomy.to_dict(),
        "tasks": {task: list(labels) for task, labels in bundle.heads.labels.items()},
        "temperatures": dict(bundle.temperatures),
        "thresholds": dict(bundle.thresholds),
        "training": dict(bundle.training),
        "files": {HEADS: file_hash(folder / HEADS)},
        "built": dict(built or {}),
    }
    manifest["sha256"] = _digest(manifest)
    part = folder / "manifest.part"
    part.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(folder / "manifest.json")
    return str(manifest["sha256"])


def load(folder: Path, *, threads: int = 0, encoder: Encoder | None = None) -> Bundle:
    """The bundle in `folder`, every hash checked; its encoder is looked for among the folders beside it.

    Raises BundleError for anything missing, altered or unknown.
    """
    manifest = _manifest(folder)
    _verify(folder, manifest["files"], known={HEADS})
    if manifest["normaliser"] != normalise.VERSION:
        found, ours = manifest["normaliser"], normalise.VERSION
        raise BundleError(f"{folder.name} was trained with normaliser {found}, this is {ours}; train it again")
    encoder = encoder or find_encoder(folder.parent, manifest["encoder"], threads=threads)
    if encoder.id != manifest["encoder"]:
        raise BundleError(f"{folder.name} needs encoder {manifest['encoder'][:12]}, found {encoder.id[:12]}")
    table = taxonomy.Taxonomy.from_dict(manifest["taxonomy"])
    labels = {task: table.labels(task) for task in taxonomy.TASKS}
    if list(manifest["tasks"].items()) != [(task, list(names)) for task, names in labels.items()]:
        raise BundleError(f"the tasks of {folder.name} do not follow its taxonomy; train it again")
    heads = Heads.load(folder / HEADS, labels)
    if len(heads.weight) != encoder.width:
        found, given = len(heads.weight), encoder.width
        raise BundleError(f"the heads of {folder.name} read {found} numbers, its encoder gives {given}")
    return Bundle(
        manifest["name"], encoder, heads, table, _numbers(manifest, "temperatures", taxonomy.TASKS),
        _numbers(manifest, "thresholds", ("category",)), manifest["training"], manifest["sha256"],
    )  # fmt: skip


def find_encoder(models: Path, wanted: str, *, threads: int = 0) -> OnnxEncoder:
    """The encoder folder below `models` whose id is `wanted`, its files verified."""
    fault = None
    for path in sorted(models.glob("*/encoder.json")):
        try:
            manifest = read_manifest(path.parent)
        except BundleError as error:
            fault = error
            continue
        if manifest["id"] == wanted:
            _verify(path.parent, manifest["files"], known={"model.onnx", "tokenizer.json"})
            return OnnxEncoder(path.parent, threads)
    raise fault or BundleError(
        f"no encoder {wanted[:12]} below {models}; reinstall the models folder, or train with one that is there"
    )


def file_hash(path: Path) -> str:
    """sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(f"{folder} is no model: it holds no manifest.json") from None
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise BundleError(f"{path} is not JSON: it was altered; restore it or train again") from None
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA or manifest.keys() != FIELDS.keys():
        raise BundleError(f"{path} is not of schema {SCHEMA}, the one this version of Nabd reads")
    if manifest["sha256"] != _digest(manifest):
        raise BundleError(f"{path} was altered: its sha256 is not the one it states; restore it or train again")
    for name, kind in FIELDS.items():
        if not isinstance(manifest[name], kind):
            raise BundleError(f"{path}: {name} is {type(manifest[name]).__name__}, expected {kind.__name__}")
    return manifest


def _numbers(manifest: Mapping[str, Any], name: str, keys: Collection[str]) -> dict[str, float]:
    found: dict[str, float] = manifest[name]
    fit = all(isinstance(value, int | float) and math.isfinite(value) and value > 0 for value in found.values())
    if not fit or found.keys() != set(keys):
        raise BundleError(f"{manifest['name']}: {name} are {found}, expected a number above 0 for each of {list(keys)}")
    return found


def _digest(manifest: Mapping[str, Any]) -> str:
    content = {key: value for key, value in manifest.items() if key not in ("sha256", "built")}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _verify(folder: Path, files: Mapping[str, str], *, known: set[str]) -> None:
    if files.keys() != known:
        raise BundleError(f"{folder.name} names files {sorted(files)}, expected {sorted(known)}")
    for name, expected in files.items():
        path = folder / name
        try:
            found = file_hash(path)
        except FileNotFoundError:
            raise BundleError(f"{path} is missing; restore it (git checkout) or reinstall") from None
        except OSError as error:
            raise BundleError(f"{path} cannot be read: {error.strerror}") from None
        if found != expected:
            raise BundleError(
                f"{path} was altered or is cut short: its sha256 is not {expected[:12]}…; restore it or reinstall"
            )
