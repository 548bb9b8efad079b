"""Numbers: is their distribution that of the reference?"""

from __future__ import annotations

import numpy as np

from pipeline.calibrate import Floats
from pipeline.drift.chance import Ints, Test, dealt

STEPS = 64  # quantiles of both sides together, at which the two are compared


def spread_test(reference: Floats, stream: Floats, *, times: int, random: np.random.Generator) -> Test:
    """Kolmogorov-Smirnov: the largest distance of the two distribution functions, at up to 64 of their quantiles.

    The quantiles are of both sides together, so chance is dealt with exactly, ties included.
    """
    pooled = np.concatenate([reference, stream])
    edges = np.unique(np.quantile(pooled, np.linspace(0, 1, STEPS + 1)[1:-1], method="inverted_cdf"))
    one, other = (
        np.bincount(np.searchsorted(edges, side), minlength=len(edges) + 1).astype(np.int64)
        for side in (reference, stream)
    )
    dealings = dealt(one, other, times=times, random=random)
    return Test("ks", float(_distance(one, other)), _distance(*dealings))


def _distance(one: Ints, other: Ints) -> Floats:
    """Of counts (..., k) in steps: the largest difference of their cumulative shares."""
    first, second = (np.cumsum(each, axis=-1) / each.sum(axis=-1, keepdims=True) for each in (one, other))
    return np.asarray(np.abs(first - second).max(axis=-1))
