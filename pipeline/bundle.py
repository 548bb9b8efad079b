"""One folder that holds everything a prediction depends on: save, load and verify it.

`manifest.json` names every part by sha256, its own content included; nothing is ever unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import normalise, taxonomy
from pipeline.calibrate import Floats, independent, of_language, probabilities
from pipeline.encoder import Encoder, OnnxEncoder, Vectors, read_manifest
from pipeline.errors import BundleError
from pipeline.heads import Heads
from pipeline.manifest import SCHEMA, applies, digest, file_hash, levels, read_bundle_manifest, temperatures, verify
from pipeline.static import StaticEncoder

HEADS = "heads.safetensors"


@dataclass(frozen=True)
class Bundle:
    """A model ready to score. `training` is what it learnt from, as recorded by the trainer.

    `temperatures` are by task and language, `thresholds` by language and category (`calibrate.ANY`: any language). A
    vector farther than `farthest` from every topic is of something else. Where there is a `fast` model, it answers
    alone what it is sure of: a category as probable as `accept` or more. Where a message may have several topics,
    `applies` says of each from which probability on it has it.
    """

    name: str
    encoder: Encoder
    heads: Heads
    taxonomy: taxonomy.Taxonomy
    temperatures: Mapping[str, Mapping[str, float]]
    thresholds: Mapping[str, Mapping[str, float]]
    training: Mapping[str, Any] = field(default_factory=dict)
    sha256: str = "unsaved"
    farthest: float = 2.0
    fast: Bundle | None = None
    accept: float = 1.01
    applies: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def version(self) -> str:
        """Name and the first of its hash: what `nabd_model` says."""
        return f"{self.name}@{self.sha256[:8]}"

    @property
    def first_encoder(self) -> Encoder:
        """The one that reads every text: a cascade's fast one. `Judged.vectors` are its own."""
        return self.fast.first_encoder if self.fast else self.encoder

    def judge(self, texts: Sequence[str], languages: Sequence[str]) -> Judged:
        """Normalised texts and their languages -> what the model makes of each, the same alone as in any list."""
        if self.fast is None:
            return self._judge(texts, languages)
        quick = self.fast.judge(texts, languages)
        sure = self.taxonomy.category_probabilities(quick.probabilities["topic"]).max(axis=1, initial=0) >= self.accept
        unsure = np.flatnonzero(~sure | quick.strange)
        if not len(unsure):
            return quick
        slow = self._judge([texts[row] for row in unsure.tolist()], [languages[row] for row in unsure.tolist()])
        return quick.replaced(unsure, slow)

    def _judge(self, texts: Sequence[str], languages: Sequence[str]) -> Judged:
        vectors = self.encoder.encode(texts)
        found = {}
        for task, logits in self.heads.logits(vectors).items():
            temperatures = [of_language(self.temperatures[task], language) for language in languages]
            squash = independent if task == "topic" and self.taxonomy.multilabel else probabilities
            found[task] = squash(logits, np.array(temperatures)[:, None])
        lengths = np.array([len(text) for text in texts], np.int64)
        return Judged(found, self.heads.distance(vectors) > self.farthest, vectors, lengths)


@dataclass(frozen=True)
class Judged:
    """Of n texts: calibrated probabilities (n, labels) of each task; `strange` is far from every topic; `lengths` (n,)
    are in characters.

    They sum to 1, but for those of topics where a message may have several.

    `vectors` (n, d) are those of the encoder that read every text, so that all lie in one space.
    """

    probabilities: Mapping[str, Floats]
    strange: NDArray[np.bool_]
    vectors: Vectors
    lengths: NDArray[np.int64]

    def replaced(self, rows: NDArray[np.int64], others: Judged) -> Judged:
        """With `rows` answered by `others`; the vectors stay, for two encoders share no space."""
        found = {task: values.copy() for task, values in self.probabilities.items()}
        for task, values in others.probabilities.items():
            found[task][rows] = values
        strange = self.strange.copy()
        strange[rows] = others.strange
        return Judged(found, strange, self.vectors, self.lengths)


def save(bundle: Bundle, folder: Path, *, built: Mapping[str, Any] | None = None) -> str:
    """Writes the folder, its manifest last; returns the manifest's sha256.

    `built` (when, by which revision and libraries) stays out of that hash: the same inputs give the same hash. A
    cascade's manifest names the two models, which must lie beside it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").unlink(missing_ok=True)
    manifest: dict[str, Any] = {
        "schema": SCHEMA,
        "name": bundle.name,
        "normaliser": normalise.VERSION,
        "taxonomy": bundle.taxonomy.to_dict(),
        "thresholds": {language: dict(levels) for language, levels in bundle.thresholds.items()},
        "training": dict(bundle.training),
        "built": dict(built or {}),
        **(_model(bundle, folder) if bundle.fast is None else _cascade(bundle, bundle.fast)),
    }
    manifest["sha256"] = digest(manifest)
    part = folder / "manifest.part"
    part.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(folder / "manifest.json")
    return str(manifest["sha256"])


def _model(bundle: Bundle, folder: Path) -> dict[str, Any]:
    bundle.heads.save(folder / HEADS)
    return {
        "encoder": bundle.encoder.id,
        "tasks": {task: list(labels) for task, labels in bundle.heads.labels.items()},
        "temperatures": {task: dict(values) for task, values in bundle.temperatures.items()},
        "farthest": bundle.farthest,
        "files": {HEADS: file_hash(folder / HEADS)},
        **({"applies": dict(bundle.applies)} if bundle.taxonomy.multilabel else {}),
    }


def _cascade(bundle: Bundle, fast: Bundle) -> dict[str, Any]:
    return {"fast": fast.sha256, "full": bundle.training["full"], "accept": bundle.accept}


def load(folder: Path, *, threads: int = 0, encoder: Encoder | None = None) -> Bundle:
    """The bundle in `folder`, every hash checked; its encoder is looked for among the folders beside it.

    Raises BundleError for anything missing, altered or unknown.
    """
    manifest = read_bundle_manifest(folder)
    if manifest["normaliser"] != normalise.VERSION:
        found, ours = manifest["normaliser"], normalise.VERSION
        raise BundleError(f"{folder.name} was trained with normaliser {found}, this is {ours}; train it again")
    table = taxonomy.Taxonomy.from_dict(manifest["taxonomy"])
    thresholds = levels(manifest, "thresholds", table.category_ids)
    if "fast" in manifest:
        return _load_cascade(folder, manifest, thresholds, threads=threads, encoder=encoder)
    verify(folder, manifest["files"], known={HEADS})
    encoder = encoder or find_encoder(folder.parent, manifest["encoder"], threads=threads)
    if encoder.id != manifest["encoder"]:
        raise BundleError(f"{folder.name} needs encoder {manifest['encoder'][:12]}, found {encoder.id[:12]}")
    labels = {task: table.labels(task) for task in taxonomy.TASKS}
    if list(manifest["tasks"].items()) != [(task, list(names)) for task, names in labels.items()]:
        raise BundleError(f"the tasks of {folder.name} do not follow its taxonomy; train it again")
    heads = Heads.load(folder / HEADS, labels)
    if len(heads.weight) != encoder.width:
        found, given = len(heads.weight), encoder.width
        raise BundleError(f"the heads of {folder.name} read {found} numbers, its encoder gives {given}")
    return Bundle(
        manifest["name"], encoder, heads, table, temperatures(manifest), thresholds, manifest["training"],
        manifest["sha256"], manifest["farthest"],
        applies=applies(manifest, table.topic_ids) if table.multilabel else {},
    )  # fmt: skip


def _load_cascade(
    folder: Path, manifest: Mapping[str, Any], thresholds: Mapping[str, Mapping[str, float]], **options: Any
) -> Bundle:
    """Both models from the folders beside it."""
    fast, full = (load(find_bundle(folder.parent, manifest[part]), **options) for part in ("fast", "full"))
    if not fast.taxonomy == full.taxonomy == taxonomy.Taxonomy.from_dict(manifest["taxonomy"]):
        raise BundleError(f"the two models of {folder.name} have other labels than it; build it again")
    return replace(
        full, name=manifest["name"], thresholds=thresholds, training=manifest["training"],
        sha256=manifest["sha256"], fast=fast, accept=manifest["accept"],
    )  # fmt: skip


def find_bundle(models: Path, wanted: str) -> Path:
    """The folder below `models` of the bundle whose sha256 is `wanted`."""
    for path in sorted(models.glob("*/manifest.json")):
        with suppress(BundleError):
            if read_bundle_manifest(path.parent)["sha256"] == wanted:
                return path.parent
    raise BundleError(f"no model {wanted[:8]} below {models}; reinstall the models folder, or build the cascade again")


def find_encoder(models: Path, wanted: str, *, threads: int = 0) -> OnnxEncoder | StaticEncoder:
    """The encoder folder below `models` whose id is `wanted`, its files verified."""
    fault = None
    for path in sorted(models.glob("*/encoder.json")):
        try:
            manifest = read_manifest(path.parent)
        except BundleError as error:
            fault = error
            continue
        if manifest["id"] == wanted:
            kind = StaticEncoder if manifest["kind"] == StaticEncoder.KIND else OnnxEncoder
            verify(path.parent, manifest["files"], known=set(kind.FILES))
            return StaticEncoder(path.parent) if kind is StaticEncoder else OnnxEncoder(path.parent, threads)
    raise fault or BundleError(
        f"no encoder {wanted[:12]} below {models}; reinstall the models folder, or train with one that is there"
    )
