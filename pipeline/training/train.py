"""Recipe `heads`: linear heads on the frozen encoder, chosen and calibrated on gold dev, written as a bundle."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from pipeline import bundle as bundles
from pipeline.calibrate import Floats, confidence_threshold, fit_temperature, probabilities
from pipeline.encoder import Encoder, OnnxEncoder, Vectors
from pipeline.heads import Heads
from pipeline.score import category_probabilities, prepare
from pipeline.taxonomy import DEFAULT, TASKS
from pipeline.training.embed import embed
from pipeline.training.examples import OWN, Example, load_examples, training_draw

PER_GROUP = 150  # rows of each source, language and label; more of them drown our own rows (on gold dev)
OWN_WEIGHT = 5.0  # a row labelled by our own guide counts as this many mapped ones
BALANCE = 0.75  # 0: labels count by their rows, 1: all alike
STRENGTHS = (0.0003, 0.001, 0.003)  # C of scikit-learn: inverse of the regularisation
MAX_ERROR = 0.15  # of the categories that are not handed to a person, on dev
LIBRARIES = ("numpy", "onnxruntime", "scikit-learn", "tokenizers")


@dataclass(frozen=True, slots=True)
class Head:
    """One fitted task: `weight` (d, labels), `bias` (labels,), its C and what it reached on dev."""

    weight: Vectors
    bias: Vectors
    strength: float
    dev_f1: float

    def logits(self, vectors: Vectors) -> Vectors:
        return vectors @ self.weight + self.bias


def run(data: Path, folder: Path, vectors: Path, *, seed: int = 0) -> str:
    """Trains from prepared `data` into the bundle `folder`, the encoder beside it; returns what to print."""
    examples = load_examples(data)
    encoder = OnnxEncoder(folder.parent / "encoder")
    draw = training_draw(examples, per_group=PER_GROUP, seed=seed)
    dev = [example for example in examples if example.split == "dev" and example.source == "gold" and example.train_ok]
    vector_of = _vectors([*dev, *(example for rows in draw.values() for example in rows)], encoder, vectors)
    heads = {task: fit_head(task, draw[task], dev, vector_of) for task in track(TASKS, description="Fitting")}
    trained = assemble(folder.name, encoder, heads, dev, vector_of)
    record = _record(draw, heads, json.loads((data / "report.json").read_text(encoding="utf-8")), seed)
    digest = bundles.save(replace(trained, training=record), folder, built=_provenance())
    lines = [f"{task}: macro-F1 {head.dev_f1:.3f} on gold dev, C {head.strength:g}" for task, head in heads.items()]
    return "\n".join([*lines, f"{folder} {digest[:8]}"])


def fit_head(task: str, rows: Sequence[Example], dev: Sequence[Example], vector_of: Mapping[str, Vectors]) -> Head:
    """Logistic regression on standardised vectors, the standardisation folded into the weights; C chosen on `dev`."""
    labels = DEFAULT.labels(task)
    inputs, truth = _matrix(rows, vector_of), np.array([labels.index(str(row.label(task))) for row in rows])
    mean, scale = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    weights = row_weights(rows, task)
    judged = [row for row in dev if row.label(task) is not None]
    heads = []
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=400).fit((inputs - mean) / scale, truth, sample_weight=weights)
        weight, bias = _unfold(model, len(labels), mean, scale)
        predicted = [labels[column] for column in (_matrix(judged, vector_of) @ weight + bias).argmax(axis=1)]
        reached = f1_score([row.label(task) for row in judged], predicted, average="macro", zero_division=0)
        heads.append(Head(weight, bias, strength, float(reached)))
    return max(heads, key=lambda head: head.dev_f1)


def row_weights(rows: Sequence[Example], task: str) -> Floats:
    """Own rows weigh `OWN_WEIGHT` times more; a label's rows by its count to the power of -`BALANCE`. The mean is 1."""
    shares = Counter(row.label(task) for row in rows)
    trust = np.array([OWN_WEIGHT if row.source in OWN else 1.0 for row in rows])
    weights = trust / np.array([shares[row.label(task)] for row in rows]) ** BALANCE
    return np.asarray(weights / weights.mean())


def assemble(
    name: str, encoder: Encoder, heads: Mapping[str, Head], dev: Sequence[Example], vector_of: Mapping[str, Vectors]
) -> bundles.Bundle:
    """The heads side by side, a temperature a task, and the confidence under which a person decides."""
    labels = {task: DEFAULT.labels(task) for task in TASKS}
    joined = Heads(
        np.concatenate([heads[task].weight for task in TASKS], axis=1).astype(np.float32),
        np.concatenate([heads[task].bias for task in TASKS]).astype(np.float32),
        labels,
    )
    temperatures = {}
    for task in TASKS:
        judged = [row for row in dev if row.label(task) is not None]
        truth = [labels[task].index(str(row.label(task))) for row in judged]
        temperatures[task] = round(fit_temperature(heads[task].logits(_matrix(judged, vector_of)), truth), 4)
    topics = probabilities(heads["topic"].logits(_matrix(dev, vector_of)), temperatures["topic"])
    thresholds = {"category": round(_category_threshold(topics, dev), 4)}
    return bundles.Bundle(name, encoder, joined, DEFAULT, temperatures, thresholds)


def _category_threshold(topics: Floats, dev: Sequence[Example]) -> float:
    sureness, right = [], []
    for row, values in zip(dev, topics, strict=True):
        sums = category_probabilities(dict(zip(DEFAULT.topic_ids, values.tolist(), strict=True)), DEFAULT)
        best = max(sums, key=sums.__getitem__)
        sureness.append(sums[best])
        right.append(best == DEFAULT.category_of[str(row.topic)])
    return confidence_threshold(sureness, right, max_error=MAX_ERROR)


def _unfold(model: LogisticRegression, labels: int, mean: Vectors, scale: Vectors) -> tuple[Vectors, Vectors]:
    """(d, labels) and (labels,) for raw vectors; scikit-learn keeps one row for two classes."""
    weight, bias = np.zeros((len(mean), labels)), np.full(labels, -30.0)
    if len(model.classes_) == 2:
        weight[:, model.classes_[1]] = model.coef_[0]
        bias[model.classes_] = 0.0, model.intercept_[0]
    else:
        weight[:, model.classes_] = model.coef_.T
        bias[model.classes_] = model.intercept_
    weight /= scale[:, None]
    return weight.astype(np.float32), (bias - mean @ weight).astype(np.float32)


def _vectors(rows: Iterable[Example], encoder: Encoder, cache: Path) -> dict[str, Vectors]:
    texts = sorted({row.text for row in rows})
    return dict(zip(texts, embed([prepare(text).text for text in texts], encoder, cache), strict=True))


def _matrix(rows: Sequence[Example], vector_of: Mapping[str, Vectors]) -> Vectors:
    return np.stack([vector_of[row.text] for row in rows])


def _record(
    draw: Mapping[str, Sequence[Example]], heads: Mapping[str, Head], report: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """What the bundle says of its training; no text, no time of day."""
    used = Counter(row.source for row in {(r.source, r.id): r for rows in draw.values() for r in rows}.values())
    kept = ("name", "licence", "train_ok", "sha256")
    return {
        "recipe": "heads",
        "per_group": PER_GROUP,
        "seed": seed,
        "own_weight": OWN_WEIGHT,
        "balance": BALANCE,
        "max_error": MAX_ERROR,
        "C": {task: head.strength for task, head in heads.items()},
        "rows": {task: len(rows) for task, rows in draw.items()},
        "rows_sha256": report["sha256"],
        "licence": report["licence"],
        "sources": [
            {key: source[key] for key in kept} | {"rows": used[source["name"]]}
            for source in report["sources"]
            if used[source["name"]]
        ],
        "dev": {f"{task}_macro_f1": round(head.dev_f1, 4) for task, head in heads.items()},
    }


def _provenance() -> dict[str, Any]:
    """When, by which revision and libraries; the revision is None outside a checkout."""
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "on": datetime.now(UTC).date().isoformat(),
        "revision": found.stdout.strip() or None,
        "libraries": {name: version(name) for name in LIBRARIES},
    }
