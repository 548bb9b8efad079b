"""Recipe `heads`: one logistic regression a task on vectors that stay as they are, its strength chosen on dev."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from pipeline.calibrate import Floats
from pipeline.encoder import Vectors
from pipeline.taxonomy import DEFAULT
from pipeline.training.assemble import VectorOf, matrix
from pipeline.training.examples import Example

PER_GROUP = 150  # rows of each source, language and label; more of them drown our own rows (on gold dev)
OWN_WEIGHT = 5.0  # a row labelled by our own guide counts as this many mapped ones
BALANCE = 0.75  # 0: labels count by their rows, 1: all alike
STRENGTHS = (0.0003, 0.001, 0.003)  # C of scikit-learn: inverse of the regularisation
TUNED_STRENGTHS = (0.00003, 0.0001, 0.0003)  # on vectors that were tuned on the same rows


@dataclass(frozen=True, slots=True)
class Head:
    """One fitted task: `weight` (d, labels), `bias` (labels,), its C and what it reached on dev."""

    weight: Vectors
    bias: Vectors
    strength: float
    dev_f1: float

    def logits(self, vectors: Vectors) -> Vectors:
        return vectors @ self.weight + self.bias


def fit_head(
    task: str, rows: Sequence[Example], dev: Sequence[Example], vector_of: VectorOf,
    *, strengths: Sequence[float] = STRENGTHS,
) -> Head:  # fmt: skip
    """Logistic regression on standardised vectors, the standardisation folded into the weights; C chosen on `dev`."""
    labels = DEFAULT.labels(task)
    inputs, truth = matrix(rows, vector_of), np.array([labels.index(str(row.label(task))) for row in rows])
    mean, scale = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    weights = row_weights(rows, task)
    judged = [row for row in dev if row.label(task) is not None]
    heads = []
    for strength in strengths:
        model = LogisticRegression(C=strength, max_iter=400).fit((inputs - mean) / scale, truth, sample_weight=weights)
        head = Head(*_unfold(model, len(labels), mean, scale), strength, 0.0)
        heads.append(replace(head, dev_f1=head_score(task, head, judged, vector_of)))
    return max(heads, key=lambda head: head.dev_f1)


def head_score(task: str, head: Head, judged: Sequence[Example], vector_of: VectorOf) -> float:
    """Macro-F1 on rows that have a label of the task."""
    labels = DEFAULT.labels(task)
    said = [labels[column] for column in head.logits(matrix(judged, vector_of)).argmax(axis=1)]
    return float(f1_score([row.label(task) for row in judged], said, average="macro", zero_division=0))


def row_weights(rows: Sequence[Example], task: str) -> Floats:
    """Own rows weigh `OWN_WEIGHT` times more; a label's rows by its count to the power of -`BALANCE`. The mean is 1."""
    shares = Counter(row.label(task) for row in rows)
    trust = np.array([OWN_WEIGHT if row.own else 1.0 for row in rows])
    weights = trust / np.array([shares[row.label(task)] for row in rows]) ** BALANCE
    return np.asarray(weights / weights.mean())


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
