"""Vectors: can a classifier tell the stream's from the reference's? (Lopez-Paz and Oquab 2017, arXiv:1610.06545)

The classifier is logistic regression by one Newton step from zero, which is least squares with a ridge: near the null,
where a test is decided, further steps change nothing that matters. In closed form it can be fitted anew for every way
to deal the labels, so that the p-value of its cross-fitted AUC is exact; a binomial one of cross-fitted accuracy is
not (Noirhomme et al. 2014, doi:10.1016/j.nicl.2014.04.004).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.calibrate import Floats
from pipeline.drift.chance import Test
from pipeline.encoder import Vectors

FOLDS = 5
RIDGE = 0.1  # per row, on columns of variance one
BLOCK = 400  # ways to deal that are held at once

Marks = NDArray[np.float32]


def embedding_test(reference: Vectors, stream: Vectors, *, times: int, random: np.random.Generator) -> Test:
    """(n, d) and (m, d), of at least `FOLDS` rows each -> the AUC on rows that the classifier did not see.

    Labels are dealt within folds, so that every fold keeps its share of both sides.
    """
    marks = np.repeat(np.array([0, 1], np.float32), [len(reference), len(stream)])
    order = random.permutation(len(marks))
    points, marks = _standard(np.concatenate([reference, stream])[order]), marks[order]
    folds = _folds(marks)
    null = np.empty(times)
    for start in range(0, times, BLOCK):
        block = min(BLOCK, times - start)
        null[start : start + block] = _auc(points, _dealt(marks, folds, block, random), folds)
    return Test("auc", float(_auc(points, marks[:, None], folds)[0]), null)


def _auc(points: Vectors, marks: Marks, folds: NDArray[np.int64]) -> Floats:
    """Of each column of `marks` (n, times): pairs of one fold in the right order, as a share of all such pairs."""
    right, pairs = np.zeros(marks.shape[1]), 0.0
    for fold in range(FOLDS):
        held = folds == fold
        scores = points[held] @ _fitted(points[~held], marks[~held])
        ordered = np.take_along_axis(marks[held], np.argsort(scores, axis=0, kind="stable"), axis=0)
        ones = float(marks[held, 0].sum())
        right += np.arange(1, held.sum() + 1) @ ordered.astype(np.float64) - ones * (ones + 1) / 2
        pairs += ones * (held.sum() - ones)
    return right / pairs


def _fitted(points: Vectors, marks: Marks) -> Vectors:
    """(d, times): the direction that parts the two sides, for each column of marks."""
    gram = points.T @ points + RIDGE * len(points) * np.eye(points.shape[1], dtype=np.float32)
    return np.asarray(np.linalg.solve(gram, points.T @ (marks - marks.mean(axis=0))), np.float32)


def _dealt(marks: Marks, folds: NDArray[np.int64], times: int, random: np.random.Generator) -> Marks:
    """(n, times)"""
    found = np.empty((times, len(marks)), np.float32)
    for fold in range(FOLDS):
        held = folds == fold
        found[:, held] = random.permuted(np.tile(marks[held], (times, 1)), axis=1)
    return found.T


def _folds(marks: Marks) -> NDArray[np.int64]:
    """(n,): both sides in equal parts; the rows are in random order already."""
    found = np.empty(len(marks), np.int64)
    for side in (0, 1):
        mine = np.flatnonzero(marks == side)
        found[mine] = np.arange(len(mine)) % FOLDS
    return found


def _standard(points: Vectors) -> Vectors:
    """Columns of mean zero and variance one over both sides; a constant one is zero."""
    centred = points - points.mean(axis=0)
    return np.asarray(centred / np.maximum(centred.std(axis=0), 1e-9), np.float32)
