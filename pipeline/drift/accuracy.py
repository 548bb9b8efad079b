"""How much accuracy the stream seems to cost, from confidences alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.calibrate import Floats
from pipeline.drift.sample import Sample

FEWEST = 100  # labelled rows of the reference that give its accuracy
RESAMPLES = 500


@dataclass(frozen=True, slots=True)
class Loss:
    """Accuracy in the reference less that in the stream, in [-1, 1], with its 95% interval; above 0 it fell.

    `method` is `confidence`: the fall of the mean confidence (Guillory et al. 2021, arXiv:2107.03315); or `threshold`:
    the share of the stream less sure than as many of the labelled rows as are wrong (Garg et al. 2022,
    arXiv:2201.04234). Both see only what the model is unsure of.
    """

    method: str
    value: float
    low: float
    high: float


def estimate_losses(reference: Sample, stream: Sample, *, seed: int) -> tuple[Loss, ...]:
    """By both methods, the second where 100 rows of the reference are labelled; none without confidences."""
    before, now = (side.numbers.get("confidence", np.zeros(0)) for side in (reference, stream))
    before_known, now_known = before[np.isfinite(before)], now[np.isfinite(now)]
    if min(len(before_known), len(now_known)) < 2:
        return ()
    found = [_by_confidence(before_known, now_known)]
    if reference.truth is not None and "category" in reference.labels:
        labelled = (reference.truth != "") & np.isfinite(before)
        if labelled.sum() >= FEWEST:
            right = reference.truth[labelled] == reference.labels["category"][labelled]
            found.append(_by_threshold(before[labelled], right.astype(np.float64), now_known, seed))
    return tuple(found)


def _by_confidence(before: Floats, now: Floats) -> Loss:
    value = float(before.mean() - now.mean())
    error = 1.96 * float(np.sqrt(before.var(ddof=1) / len(before) + now.var(ddof=1) / len(now)))
    return Loss("confidence", value, value - error, value + error)


def _by_threshold(sure: Floats, right: Floats, now: Floats, seed: int) -> Loss:
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(RESAMPLES):
        rows = random.integers(len(sure), size=len(sure))
        drawn.append(_fall(sure[rows], right[rows], now[random.integers(len(now), size=len(now))]))
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Loss("threshold", _fall(sure, right, now), float(low), float(high))


def _fall(sure: Floats, right: Floats, now: Floats) -> float:
    level = np.quantile(sure, 1 - right.mean())
    return float((sure >= level).mean() - (now >= level).mean())
