"""Figures for the page: a spread of rounds, a verdict, a Markdown table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self

from pipeline.training import tables
from pipeline.training.bench.rounds import Rates


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some numbers, and how far they lie apart."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        return cls(median(values), min(values), max(values))

    @classmethod
    def of_ratios(cls, above: Sequence[float], below: Sequence[float]) -> Self:
        """Of the ratios round by round; not the ratio of the medians."""
        return cls.of([a / b for a, b in zip(above, below, strict=True)])

    def show(self, digits: int, unit: str = "") -> str:
        return f"{self.median:,.{digits}f}{unit} ({self.low:,.{digits}f} to {self.high:,.{digits}f})"


def ratio(rates: Rates, above: str, below: str) -> Spread | None:
    """How many times faster `above` is; None when one of the two was not measured."""
    return Spread.of_ratios(rates[above], rates[below]) if above in rates and below in rates else None


def verdict(value: float | None, limit: float, *, at_least: bool = False) -> str:
    if value is None:
        return "not measured"
    return "met" if (value >= limit if at_least else value < limit) else "missed"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: int = 0) -> str:
    """A Markdown table; the last `right` columns are aligned to the right."""
    return tables.table(header, rows, text_columns=len(header) - right) + "\n"
