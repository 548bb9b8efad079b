"""What topics are learnt from where a row may have several: vectors, a matrix of labels, weights and folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.calibrate import Floats
from pipeline.encoder import Vectors
from pipeline.training.linear import OWN_WEIGHT
from pipeline.training.retrain.lessons import FOLDS, MANY, MANY_FOLDS, Columns, fold_numbers, matrix
from pipeline.training.retrain.rows import Labelled

Truth = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SetLessons:
    """`vectors` (n, d), `truth` (n, labels), `weights` (n,) of mean 1, `folds` (n,).

    `described` are more rows, vectors and columns, each of one label, made of the labels' names and descriptions.
    """

    labels: tuple[str, ...]
    vectors: Vectors
    truth: Truth
    weights: Floats
    folds: Columns
    described: tuple[Vectors, Columns]


def set_lessons(
    rows: Sequence[Labelled], labels: Sequence[str], vector_of: Mapping[str, Vectors],
    *, described: Sequence[tuple[str, str]] = (), customers: bool = False, seed: int = 0,
) -> SetLessons:  # fmt: skip
    """Every row is in a fold, our own messages too: what they alone teach must be judged by a head without them.

    They weigh less than rows of the export; what people said in the service weighs by their agreement.
    """
    names = tuple(labels)
    counts = Counter(topic for row in rows for topic in row.topics)
    rarest = np.array([names.index(min(row.topics, key=counts.__getitem__)) for row in rows], np.int64)
    weights = np.array([_trust(row) for row in rows])
    count = MANY_FOLDS if len(rows) >= MANY else FOLDS
    folds = fold_numbers(rarest, [row.customer if customers else "" for row in rows], count, seed=seed)
    extra = [(topic, text) for topic, text in described if topic in names]
    width = len(vector_of[rows[0].prepared])
    more = matrix([text for _, text in extra], vector_of, width=width)
    added = np.array([names.index(topic) for topic, _ in extra], np.int64)
    vectors = matrix([row.prepared for row in rows], vector_of)
    return SetLessons(names, vectors, truth_of(rows, names), weights / weights.mean(), folds, (more, added))


def truth_of(rows: Sequence[Labelled], labels: Sequence[str]) -> Truth:
    """(n, labels): whether a row has a label."""
    return np.array([[label in row.topics for label in labels] for row in rows], bool).reshape(len(rows), len(labels))


def _trust(row: Labelled) -> float:
    return OWN_WEIGHT * (1.0 if row.agreement is None else row.agreement) if row.number > 0 else 1.0
