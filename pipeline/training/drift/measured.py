"""What was measured of one kind of stream."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self

from pipeline.drift.found import Drift


@dataclass(frozen=True)
class Measured:
    """Comparisons of one kind: how many rows the stream had, and how much of it was foreign.

    `raised` holds a comparison's raised signals, of those `compared`; `detectable` the AUC that each would notice.
    """

    size: int
    mixed: float
    compared: Sequence[str]
    raised: Sequence[Sequence[str]]
    detectable: Sequence[float]

    @classmethod
    def of(cls, size: int, mixed: float, found: Iterable[Drift]) -> Self:
        """Keeps what was found and lets go of the rows."""
        raised, detectable, compared = [], [], []
        for drift in found:
            raised.append(drift.raised)
            compared = [signal.name for signal in drift.signals]
            detectable += [s.detectable for s in drift.signals if s.name == "embedding" and s.detectable is not None]
        return cls(size, mixed, compared, raised, detectable)

    @property
    def alarms(self) -> int:
        return sum(map(bool, self.raised))

    @property
    def share_of_alarms(self) -> float:
        return self.alarms / len(self.raised)

    @property
    def noticed(self) -> float:
        """The median AUC that is noticed 8 times in 10."""
        return median(self.detectable)

    def share(self, signal: str) -> float:
        """Of the comparisons, those in which a signal was raised."""
        return sum(signal in names for names in self.raised) / len(self.raised)
