"""A figure and how sure it is: every share, mean and median of the page with its n and 95% interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.report.locale import Locale

LEVEL = 0.95
TELLING = 0.01  # an interval of a share is shown where it reaches this far from the figure


@dataclass(frozen=True, slots=True)
class Estimate:
    """`low` and `high` bound the 95% interval of `value`, from `n` observations."""

    value: float
    low: float
    high: float
    n: int

    @property
    def vague(self) -> bool:
        return max(self.value - self.low, self.high - self.value) >= TELLING


def share(hits: int, n: int) -> Estimate | None:
    """Wilson's interval of a share (Wilson 1927); None of nothing."""
    if n == 0:
        return None
    from scipy.stats import binomtest

    interval = binomtest(hits, n).proportion_ci(LEVEL, method="wilson")
    return Estimate(hits / n, float(interval.low), float(interval.high), n)


def mean(values: Sequence[float]) -> Estimate | None:
    """Student's interval of a mean; of a single value, the value alone."""
    if not values:
        return None
    found = np.asarray(values, float)
    middle, n = float(found.mean()), len(found)
    if n == 1:
        return Estimate(middle, middle, middle, 1)
    from scipy.stats import t

    reach = float(t.ppf((1 + LEVEL) / 2, n - 1) * found.std(ddof=1) / math.sqrt(n))
    return Estimate(middle, middle - reach, middle + reach, n)


def median(values: Sequence[float]) -> Estimate | None:
    """The interval is between two order statistics, by the binomial (Conover 1999, 3.2)."""
    if not values:
        return None
    from scipy.stats import binom

    found = np.sort(np.asarray(values, float))
    n = len(found)
    below = max(int(binom.ppf((1 - LEVEL) / 2, n, 0.5)) - 1, 0)
    return Estimate(float(np.median(found)), float(found[below]), float(found[n - 1 - below]), n)


def promoters(scores: Sequence[float]) -> Estimate | None:
    """Net promoter score in [-100, 100]: the share of 9 and 10 less that of 0 to 6 (Reichheld 2003)."""
    found = mean([1.0 if score >= 9 else -1.0 if score <= 6 else 0.0 for score in scores])
    if found is None:
        return None
    return Estimate(100 * found.value, max(100 * found.low, -100), min(100 * found.high, 100), found.n)


def shown_share(estimate: Estimate | None, locale: Locale) -> str:
    """`34% (25 to 44)`; a dash for nothing."""
    if estimate is None:
        return "–"
    text = locale.percent(estimate.value)
    return f"{text} ({_span(100 * estimate.low, 100 * estimate.high, locale, 0)})" if estimate.vague else text


def shown_number(estimate: Estimate | None, locale: Locale, digits: int) -> str:
    """`0.21 (0.11 to 0.31)`; a dash for nothing."""
    if estimate is None:
        return "–"
    span = _span(estimate.low, estimate.high, locale, digits)
    return f"{locale.number(estimate.value, digits)} ({span})"


def shown_minutes(estimate: Estimate | None, locale: Locale) -> str:
    """A duration in the unit that suits each of its ends."""
    if estimate is None:
        return "–"
    span = f"{locale.minutes(estimate.low)} – {locale.minutes(estimate.high)}"
    return f"{locale.minutes(estimate.value)} ({span})"


def _span(low: float, high: float, locale: Locale, digits: int) -> str:
    return f"{locale.number(low, digits)} – {locale.number(high, digits)}"
