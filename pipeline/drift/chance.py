"""What chance alone gives: the rows of both sides dealt anew, as often as a test asks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.calibrate import Floats

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Test:
    """A statistic, the larger the more the two sides differ, and its values (times,) under chance alone."""

    __test__ = False  # for pytest: no test of ours

    measure: str
    value: float
    null: Floats

    @property
    def p_value(self) -> float:
        """Exact, for what was found is one of the ways to deal (Phipson and Smyth 2010, doi:10.2202/1544-6115.1585)."""
        return float((1 + np.count_nonzero(self.null >= self.value - 1e-12)) / (1 + len(self.null)))

    def limit(self, level: float) -> float:
        """What chance alone exceeds with probability `level`."""
        return float(np.quantile(self.null, 1 - level))


def dealt(reference: Ints, stream: Ints, *, times: int, random: np.random.Generator) -> tuple[Ints, Ints]:
    """Counts (k,) of both sides -> counts (times, k) of both when all the messages are dealt at random.

    The pooled counts are dealt out without putting back, so a test made of them is exact at any size.
    """
    pooled = reference + stream
    found = random.multivariate_hypergeometric(pooled, int(stream.sum()), size=times, method="marginals")
    return pooled - found, found
