"""Sentiment, emotion, urgency and churn: the base model's heads, or new ones where the export labels them too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.metrics import f1_score

from pipeline.bundle import Bundle
from pipeline.encoder import Vectors
from pipeline.heads import Heads
from pipeline.training.linear import Head
from pipeline.training.retrain.heads import fit
from pipeline.training.retrain.lessons import lessons, matrix
from pipeline.training.retrain.rows import Labelled
from pipeline.training.retrain.unseen import unseen

FEWEST = 100  # rows of train with a label of the task; fewer teach less than what the base model has read


@dataclass(frozen=True, slots=True)
class TaskHead:
    """`learnt` is how many rows of the export taught it; 0: it is the base model's."""

    head: Head
    temperatures: Mapping[str, float]
    learnt: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """What every task is learnt with."""

    vector_of: Mapping[str, Vectors]
    customers: bool
    seed: int


def task_head(
    task: str, base: Bundle, train: Sequence[Labelled], dev: Sequence[Labelled], setting: Setting
) -> TaskHead:
    """The better one on dev, of the base model's and one learnt from the export, where that has enough rows."""
    kept = TaskHead(head_of(task, base.heads), base.temperatures[task])
    taught, judged = _with(train, task), _with(dev, task)
    if len(taught) < FEWEST or len({row.label for row in taught}) < 2 or not judged:
        note = f"{task}: only {len(taught)} rows of train have it; the base model's stays" if taught else ""
        return replace(kept, note=note)
    labels = base.heads.labels[task]
    given = lessons(taught, labels, setting.vector_of, customers=setting.customers, seed=setting.seed)
    fitted = fit(given)
    mine, theirs = (_macro_f1(head, judged, labels, setting.vector_of) for head in (fitted.head, kept.head))
    said = f"{task}: macro-F1 on {len(judged)} rows of dev is {theirs:.3f} by the base model's head, {mine:.3f} by one "
    if mine <= theirs:
        return replace(kept, note=f"{said}learnt from {len(taught)} rows; the base model's stays")
    calm = unseen(fitted.head, judged, labels, setting.vector_of, folds=(fitted, given, taught)).temperatures()
    return TaskHead(fitted.head, calm, len(taught), f"{said}learnt from {len(taught)} rows, which is taken")


def head_of(task: str, heads: Heads) -> Head:
    """The columns of one task."""
    ends = np.cumsum([len(names) for names in heads.labels.values()])
    place = list(heads.labels).index(task)
    weights, biases = np.split(heads.weight, ends[:-1], axis=1), np.split(heads.bias, ends[:-1])
    return Head(weights[place], biases[place], 0.0, 0.0)


def _with(rows: Sequence[Labelled], task: str) -> list[Labelled]:
    return [replace(row, label=found) for row in rows if (found := (row.tasks or {}).get(task))]


def _macro_f1(head: Head, rows: Sequence[Labelled], labels: Sequence[str], vector_of: Mapping[str, Vectors]) -> float:
    said = head.logits(matrix([row.prepared for row in rows], vector_of)).argmax(axis=1)
    truth = [row.label for row in rows]
    return float(f1_score(truth, [labels[column] for column in said], average="macro", zero_division=0))
