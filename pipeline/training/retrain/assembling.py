"""Heads of every task -> a bundle with the user's taxonomy, calibrated on rows that no head has seen."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.bundle import Bundle, find_encoder
from pipeline.encoder import Encoder, EncoderFolder, Vectors
from pipeline.errors import BundleError
from pipeline.heads import Heads
from pipeline.taxonomy import OUT_OF_SCOPE, TASKS, Taxonomy
from pipeline.training.assemble import FAMILIAR, MAX_ERROR
from pipeline.training.retrain.lessons import matrix
from pipeline.training.retrain.rows import Labelled
from pipeline.training.retrain.tasks import TaskHead
from pipeline.training.retrain.unseen import Unseen, category_thresholds


@dataclass(frozen=True, slots=True)
class Learnt:
    """A head a task, `topic` among them; `unseen` is what that of topics is calibrated on."""

    tasks: Mapping[str, TaskHead]
    unseen: Unseen


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
    levels = category_thresholds(learnt.unseen, temperatures["topic"], table, max_error=MAX_ERROR)
    inside = [row.prepared for row in dev if row.label != OUT_OF_SCOPE]
    far = heads.distance(matrix(inside, vector_of)) if inside else np.array([2.0], np.float32)
    farthest = round(float(np.quantile(far, FAMILIAR)), 4)
    return Bundle(name, encoder, heads, table, temperatures, levels, farthest=farthest)


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
    vectors, topics = matrix([row.prepared for row in inside], vector_of), np.array([row.label for row in inside])
    means = [vectors[topics == topic].mean(axis=0) for topic in table.topic_ids if (topics == topic).any()]
    return np.stack([vectors.mean(axis=0), *means]).astype(np.float32)
