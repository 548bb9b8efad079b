"""Heads of every task -> a bundle with the user's taxonomy, calibrated on rows that no head has seen."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipeline.bundle import Bundle, find_encoder
from pipeline.encoder import Encoder, EncoderFolder, Vectors
from pipeline.errors import BundleError
from pipeline.heads import Heads
from pipeline.taxonomy import OUT_OF_SCOPE, TASKS, Taxonomy
from pipeline.training.assemble import FAMILIAR
from pipeline.training.retrain.lessons import matrix
from pipeline.training.retrain.rows import Labelled
from pipeline.training.retrain.tasks import TaskHead


@dataclass(frozen=True, slots=True)
class Learnt:
    """A head a task, `topic` among them; `levels` says by language and category how sure is sure enough.

    `applies` says of each topic from which probability on a message has it, where it may have several.
    """

    tasks: Mapping[str, TaskHead]
    levels: Mapping[str, Mapping[str, float]]
    applies: Mapping[str, float] = field(default_factory=dict)


def assemble_own(
    name: str, encoder: Encoder, table: Taxonomy, learnt: Learnt,
    rows: tuple[Sequence[Labelled], Sequence[Labelled], Mapping[str, Vectors]],
) -> Bundle:  # fmt: skip
    """`rows` are train, dev, and the vector of each prepared text."""
    train, dev, vector_of = rows
    labels = {task: table.labels(task) for task in TASKS}
    weight = np.concatenate([learnt.tasks[task].head.weight for task in TASKS], axis=1).astype(np.float32)
    bias = np.concatenate([learnt.tasks[task].head.bias for task in TASKS]).astype(np.float32)
    heads = Heads(weight, bias, labels, _centres(train, table, vector_of))
    temperatures = {task: dict(learnt.tasks[task].temperatures) for task in TASKS}
    inside = [row.prepared for row in dev if row.label != OUT_OF_SCOPE]
    far = heads.distance(matrix(inside, vector_of)) if inside else np.array([2.0], np.float32)
    farthest = round(float(np.quantile(far, FAMILIAR)), 4)
    return Bundle(name, encoder, heads, table, temperatures, learnt.levels, farthest=farthest, applies=learnt.applies)


def place_encoder(encoder: Encoder, models: Path) -> str:
    """Puts a copy of the encoder beside the bundle where there is none; returns what to say of it."""
    if not isinstance(encoder, EncoderFolder):
        return ""
    try:
        find_encoder(models, encoder.id)
    except BundleError:
        target = models / f"encoder-{encoder.id[:8]}"
        part = models / f".{target.name}.part"
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(encoder.folder, part)
        shutil.rmtree(target, ignore_errors=True)
        part.replace(target)
        return f"{target}: a copy of the encoder, which must lie beside the model"
    return ""


def _centres(rows: Sequence[Labelled], table: Taxonomy, vector_of: Mapping[str, Vectors]) -> Vectors:
    """(topics in scope + 1, d): the mean of all rows in scope, then of each topic that has any."""
    inside = [row for row in rows if row.label != OUT_OF_SCOPE]
    vectors = matrix([row.prepared for row in inside], vector_of)
    having = {topic: np.array([topic in row.topics for row in inside]) for topic in table.topic_ids}
    means = [vectors[rows].mean(axis=0) for rows in having.values() if rows.any()]
    return np.stack([vectors.mean(axis=0), *means]).astype(np.float32)
