"""Did the share of customers who write of an issue grow? Exact tests, corrected for the number of issues."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy.stats import binomtest, false_discovery_control

LEVEL = 0.95  # of the interval
MAX_Q, MIN_RATIO = 0.05, 1.5


@dataclass(frozen=True, slots=True)
class Growth:
    """`ratio` of the rate now to the rate before, with its 95 % interval `low` to `high`; infinite when there was none.

    `p_value` is of no growth, one-sided; `q_value` the same with regard to all issues tested (false discovery rate).
    """

    ratio: float
    low: float
    high: float
    p_value: float
    q_value: float

    @property
    def is_emerging(self) -> bool:
        return self.q_value < MAX_Q and self.ratio > MIN_RATIO


def growth(now: Sequence[int], before: Sequence[int], *, exposure: tuple[int, int]) -> list[Growth | None]:
    """Counts of each issue now and before, out of the `exposure` (now, before) -> how each grew.

    Given their sum, the count now is binomial with the share of the exposure now, where nothing grew (Przyborowski &
    Wilenski 1940); the interval is that of Clopper & Pearson, carried over to the ratio. None: counted nowhere, which
    says nothing. The q-values are of Benjamini & Hochberg 1995 over the others. Both exposures are positive.
    """
    odds = exposure[0] / exposure[1]
    tests = {
        index: _test(count, count + earlier, odds)
        for index, (count, earlier) in enumerate(zip(now, before, strict=True))
        if count + earlier
    }
    q_values = false_discovery_control([test.p_value for test in tests.values()]) if tests else []
    adjusted = {
        index: replace(test, q_value=float(q_value))
        for (index, test), q_value in zip(tests.items(), q_values, strict=True)
    }
    return [adjusted.get(index) for index in range(len(now))]


def _test(count: int, total: int, odds: float) -> Growth:
    """Of one issue alone: its q-value is its p-value."""
    expected = odds / (1 + odds)
    p_value = float(binomtest(count, total, expected, alternative="greater").pvalue)
    interval = binomtest(count, total, expected).proportion_ci(LEVEL, method="exact")
    ratio, low, high = (_ratio(float(share), odds) for share in (count / total, interval.low, interval.high))
    return Growth(ratio, low, high, p_value, p_value)


def _ratio(share: float, odds: float) -> float:
    """The ratio of the rates at which this share of all counts is of now."""
    return math.inf if share >= 1 else share / (1 - share) / odds
