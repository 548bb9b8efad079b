"""Logits -> probabilities that mean what they say, and how sure is sure enough."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.encoder import Vectors

Floats = NDArray[np.float64]
Value = TypeVar("Value")

ANY = "*"  # the language of a value that holds for every language without one of its own
PULL = 200.0  # rows: how strongly all languages together hold the temperature of one
TRUST = 30.0  # rows: how strongly a language's error rate holds that of one category


def of_language(values: Mapping[str, Value], language: str) -> Value:
    """The value of a language ("ar-Latn" is "ar"), else the one for any."""
    return values.get(language.partition("-")[0], values[ANY])


def probabilities(logits: Vectors, temperature: float | Floats) -> Floats:
    """Softmax of logits / temperature along the last axis (Guo et al. 2017, arXiv:1706.04599).

    `temperature` is one number, or one a row (n, 1).
    """
    scaled = np.asarray(logits, np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    powers = np.exp(scaled)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def uncertainty(chances: ArrayLike) -> Floats:
    """(..., labels) probabilities -> (...,) in [0, 1]: their entropy, as a share of that of labels all alike."""
    values = np.asarray(chances, np.float64)
    if values.shape[-1] < 2:
        return np.zeros(values.shape[:-1])
    spread = -(values * np.log(np.maximum(values, 1e-300))).sum(axis=-1) / np.log(values.shape[-1])
    return np.asarray(np.clip(spread, 0.0, 1.0))


def independent(logits: Vectors, temperature: float | Floats) -> Floats:
    """Sigmoid of logits / temperature: the probability of each label by itself; `temperature` as for a softmax."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * np.asarray(logits, np.float64) / temperature)))


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


def fit_temperatures(
    logits: Vectors, truth: ArrayLike, languages: Sequence[str], *, entries: int = 1
) -> dict[str, float]:
    """A temperature for any language and one for each in `languages` (n,).

    The logarithm of a language's own lies between its best and that of all, the nearer to its own the more rows it has;
    each row gave so many `entries` of the n.
    """
    columns, spoken = np.asarray(truth, np.int64), np.asarray(languages, np.str_)
    together = fit_temperature(logits, columns)
    found = {ANY: together}
    for language in sorted(set(spoken.tolist())):
        mine = spoken == language
        own, rows = fit_temperature(logits[mine], columns[mine]), mine.sum() / entries
        share = rows / (rows + PULL)
        found[language] = float(np.exp(share * np.log(own) + (1 - share) * np.log(together)))
    return {language: round(value, 4) for language, value in found.items()}


def _loss(logits: Vectors, columns: NDArray[np.int64], inverse: float) -> float:
    scaled = np.asarray(logits, np.float64) * inverse
    top = scaled.max(axis=1, keepdims=True)
    total = top[:, 0] + np.log(np.exp(scaled - top).sum(axis=1))
    return float((total - scaled[np.arange(len(columns)), columns]).mean())


def misroute_thresholds(
    confidence: ArrayLike, correct: ArrayLike, said: ArrayLike, *, max_error: float
) -> dict[str, float]:
    """For each category that is `said` (n,), the lowest confidence above which at most `max_error` are misrouted.

    A category's error rate is held by that of all categories above the same confidence, as if by `TRUST` rows more:
    a handful of lucky rows opens no gate.
    """
    sureness, right = np.asarray(confidence, np.float64), np.asarray(correct, bool)
    names = np.asarray(said, np.str_)
    found = {}
    for category in sorted(set(names.tolist())):
        mine = names == category
        found[category] = 1.01
        for level in np.unique(sureness[mine])[::-1]:
            kept = sureness >= level
            common = (~right[kept]).mean()
            error = ((~right[kept & mine]).sum() + TRUST * common) / ((kept & mine).sum() + TRUST)
            if error <= max_error:
                found[category] = float(level)
    # Rounded down, so that the row whose confidence it is stays on its side; 1e-6 for what a float lacks of 0.69.
    return {category: math.floor(level * 10_000 + 1e-6) / 10_000 for category, level in found.items()}


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
