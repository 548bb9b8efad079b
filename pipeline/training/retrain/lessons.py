"""What one task is learnt from: vectors, labels, weights, and folds that keep customers together."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from pipeline.calibrate import Floats
from pipeline.encoder import Encoder, Vectors
from pipeline.training.embed import embed
from pipeline.training.linear import BALANCE, OWN_WEIGHT
from pipeline.training.retrain.rows import Labelled

FOLDS, MANY_FOLDS, MANY = 5, 3, 1500  # so many rows need fewer folds
ALWAYS = -1  # the fold of what is learnt from in every fold and judged in none: our own messages, descriptions

Columns = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lessons:
    """`vectors` (n, d), `truth` (n,) columns of `labels`, `weights` (n,) of mean 1, `folds` (n,).

    `described` are more rows, vectors and columns, made of the labels' names and descriptions.
    """

    labels: tuple[str, ...]
    vectors: Vectors
    truth: Columns
    weights: Floats
    folds: Columns
    described: tuple[Vectors, Columns]


def lessons(
    rows: Sequence[Labelled], labels: Sequence[str], vector_of: Mapping[str, Vectors],
    *, described: Sequence[tuple[str, str]] = (), customers: bool = False, seed: int = 0,
) -> Lessons:  # fmt: skip
    """Of rows whose `label` is one of `labels`; rows of number 0 are our own messages, which weigh less.

    What people said in the service weighs as a row of the export, times their agreement.
    """
    names = tuple(labels)
    truth = np.array([names.index(row.label) for row in rows], np.int64)
    own = np.array([row.number > 0 for row in rows])
    agreement = np.array([1.0 if row.agreement is None else row.agreement for row in rows])
    folds = np.full(len(rows), ALWAYS)
    mine = [row for row in rows if row.number > 0]
    count = MANY_FOLDS if len(rows) >= MANY else FOLDS
    folds[own] = fold_numbers(truth[own], [row.customer if customers else "" for row in mine], count, seed=seed)
    extra = [(topic, text) for topic, text in described if topic in names]
    added = np.array([names.index(topic) for topic, _ in extra], np.int64)
    more = matrix([text for _, text in extra], vector_of, width=len(vector_of[rows[0].prepared]))
    weights = _weights(truth, np.where(own, OWN_WEIGHT * agreement, 1.0))
    return Lessons(names, matrix([row.prepared for row in rows], vector_of), truth, weights, folds, (more, added))


def vectors_of(
    texts: Iterable[str], encoder: Encoder, cache: Path, *, passing: Iterable[str] = ()
) -> dict[str, Vectors]:
    """Prepared text -> vector, kept in `cache`, so that a stopped run goes on where it was; not of those `passing`."""
    gone = sorted(set(passing))
    unique = sorted({*texts}.difference(gone))
    found = dict(zip(unique, embed(unique, encoder, cache), strict=True))
    return found | (dict(zip(gone, encoder.encode(gone), strict=True)) if gone else {})


def matrix(texts: Sequence[str], vector_of: Mapping[str, Vectors], *, width: int = 0) -> Vectors:
    """(n, d); `width` is d where there may be no text."""
    return np.stack([vector_of[text] for text in texts]) if texts else np.zeros((0, width), np.float32)


def fold_numbers(truth: Columns, customers: Sequence[str], count: int = FOLDS, *, seed: int) -> Columns:
    """(n,): the fold of each row, labels spread over folds, the rows of one customer (if it has a name) in one."""
    folds = np.full(len(truth), ALWAYS)
    count = min(count, int(np.bincount(truth).max(initial=0)))
    if count < 2:  # no label has two rows, so nothing can be judged
        return folds
    groups = [name or f"row {place}" for place, name in enumerate(customers)]
    alone = len(set(groups)) == len(groups)
    splitter = (StratifiedKFold if alone else StratifiedGroupKFold)(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of labels with fewer rows than folds
        for number, (_, judged) in enumerate(splitter.split(truth[:, None], truth, groups=groups)):
            folds[judged] = number
    return folds


def _weights(truth: Columns, trust: Floats) -> Floats:
    """A row counts by its trust, a label by that of its rows to the power of 1 - BALANCE."""
    shares = np.bincount(truth, trust)
    weights = trust / shares[truth] ** BALANCE
    return np.asarray(weights / weights.mean())
