"""Logits -> probabilities that mean what they say, and how sure is sure enough."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.encoder import Vectors

Floats = NDArray[np.float64]


def probabilities(logits: Vectors, temperature: float) -> Floats:
    """Softmax of logits / temperature along the last axis (Guo et al. 2017, arXiv:1706.04599)."""
    scaled = np.asarray(logits, np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    powers = np.exp(scaled)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def fit_temperature(logits: Vectors, truth: ArrayLike) -> float:
    """The temperature in [0.05, 20] of least negative log-likelihood; `truth` holds label columns (n,).

    That likelihood is convex in 1 / temperature, so a golden-section search finds its one minimum.
    """
    columns = np.asarray(truth, np.int64)
    if not len(columns):
        return 1.0
    low, high = 1 / 20, 1 / 0.05
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(80):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if _loss(logits, columns, left) < _loss(logits, columns, right):
            high = right
        else:
            low = left
    return float(2 / (low + high))


def _loss(logits: Vectors, columns: NDArray[np.int64], inverse: float) -> float:
    scaled = np.asarray(logits, np.float64) * inverse
    top = scaled.max(axis=1, keepdims=True)
    total = top[:, 0] + np.log(np.exp(scaled - top).sum(axis=1))
    return float((total - scaled[np.arange(len(columns)), columns]).mean())


def confidence_threshold(confidence: ArrayLike, correct: ArrayLike, *, max_error: float) -> float:
    """The lowest confidence above which at most `max_error` of the answers are wrong; above 1 when none is."""
    sureness, right = np.asarray(confidence, np.float64), np.asarray(correct, bool)
    order = np.argsort(-sureness, kind="stable")
    errors = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    ends = np.append(np.diff(sureness[order]) < 0, True)  # equal confidences stand or fall together
    allowed = np.flatnonzero((errors <= max_error) & ends[: len(errors)])
    return float(sureness[order][allowed[-1]]) if len(allowed) else 1.01


def calibration_error(confidence: ArrayLike, correct: ArrayLike, *, bins: int = 10) -> float:
    """Expected calibration error over bins of equal mass (Nixon et al. 2019, arXiv:1904.01685); NaN without rows."""
    sureness, right = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    if not len(sureness):
        return float("nan")
    _, group, sizes = np.unique(sureness, return_inverse=True, return_counts=True)
    right = (np.bincount(group, right) / sizes)[group]  # equal confidences share a bin's luck, whatever their order
    parts = np.array_split(np.argsort(sureness, kind="stable"), min(bins, len(sureness)))
    gaps = [len(part) * abs(sureness[part].mean() - right[part].mean()) for part in parts]
    return float(sum(gaps) / len(sureness))
