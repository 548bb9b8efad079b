"""Metrics by label name, each with its bootstrap interval.

A metric takes `counts` (draws, n), how often each of n rows counts in each draw, and gives one value a draw (NaN where
the draw has nothing to measure). The first draw of `resample` is the rows as they are; the others make the interval.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.calibrate import Floats

RESAMPLES = 1_000
PAIRED_RESAMPLES = 2_000
NO_ANSWER = "no_answer"  # stands where a system gives no label; it is never right

Names = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value and its 95% bootstrap percentile interval; NaN where there is nothing to measure."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, draws: Floats) -> Estimate:
        """From one value a draw, the first of the rows as they are."""
        resampled = draws[1:][np.isfinite(draws[1:])]
        low, high = np.percentile(resampled, (2.5, 97.5)) if len(resampled) else (np.nan, np.nan)
        return cls(float(draws[0]), float(low), float(high))

    def to_dict(self) -> dict[str, float | None]:
        """Rounded to 4 decimals; None for NaN, which JSON does not have."""
        return {name: rounded(getattr(self, name)) for name in ("value", "low", "high")}


def rounded(value: float) -> float | None:
    """To 4 decimals; None for NaN."""
    return round(value, 4) if np.isfinite(value) else None


def resample(rows: int, *, times: int = RESAMPLES, seed: int) -> Floats:
    """(1 + times, rows) counts: once each row, then `times` draws of `rows` rows with replacement."""
    drawn = np.random.default_rng(seed).integers(rows, size=(times, rows)) if rows else np.zeros((times, 0), np.int64)
    flat = np.bincount((drawn + rows * np.arange(times)[:, None]).ravel(), minlength=times * rows)
    return np.concatenate([np.ones((1, rows)), flat.reshape(times, rows)])


def names(labels: Sequence[str | None]) -> Names:
    """(n,) label names; None becomes NO_ANSWER."""
    return np.array([NO_ANSWER if label is None else label for label in labels], np.str_)


def f1_of_labels(truth: Names, predicted: Names, counts: Floats, labels: Sequence[str]) -> Floats:
    """(draws, labels): F1 of each label; NaN where a draw's truth lacks it."""
    true, claimed = (given[:, None] == np.array(labels, np.str_) for given in (truth, predicted))
    hits, actual, said = counts @ (true & claimed), counts @ true, counts @ claimed
    return divided(2 * hits, np.where(actual > 0, actual + said, 0))


def macro_f1(truth: Names, predicted: Names, counts: Floats, *, labels: Sequence[str] | None = None) -> Floats:
    """(draws,): mean F1 over the labels that the draw's truth holds, or over those of them in `labels`."""
    wanted = sorted(set(truth.tolist())) if labels is None else labels
    scores = f1_of_labels(truth, predicted, counts, wanted)
    return divided(np.nansum(scores, axis=1), np.isfinite(scores).sum(axis=1))


def accuracy(truth: Names, predicted: Names, counts: Floats) -> Floats:
    """(draws,): share of rows whose label is right."""
    return divided(counts @ (truth == predicted), counts.sum(axis=1))


def average_precision(positive: ArrayLike, score: ArrayLike, counts: Floats) -> Floats:
    """(draws,): sum over falling scores of (gain in recall) x precision; equal scores stand or fall together."""
    wanted, values = np.asarray(positive, bool), np.asarray(score, np.float64)
    order = np.argsort(-values, kind="stable")
    ends = np.append(np.diff(values[order]) < 0, True)[: len(values)]
    found = np.cumsum(counts[:, order] * wanted[order], axis=1)[:, ends]
    taken = np.cumsum(counts[:, order], axis=1)[:, ends]
    precision = np.divide(found, taken, out=np.zeros_like(found), where=taken > 0)
    return divided((np.diff(found, axis=1, prepend=0.0) * precision).sum(axis=1), counts @ wanted)


def confusion(truth: Names, predicted: Names) -> dict[str, dict[str, int]]:
    """True label -> predicted label -> rows; pairs that never occur are left out."""
    table: dict[str, dict[str, int]] = {}
    for (true, said), rows in sorted(Counter(zip(truth.tolist(), predicted.tolist(), strict=True)).items()):
        table.setdefault(true, {})[said] = rows
    return table


def divided(above: Floats, below: NDArray[np.generic]) -> Floats:
    """NaN where `below` is 0."""
    values: Floats = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=values, where=np.asarray(below) > 0)
    return values
