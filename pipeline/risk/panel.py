"""Customers at cut-offs: what was known of each that day, and whether it left soon after.

Label: the customer leaves within `horizon` days after the cut-off. A row is a customer who had written and had not
left; a cut-off whose horizon runs past the end of the data has no truth and is not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from pipeline.calibrate import Floats
from pipeline.records import Contact
from pipeline.risk.features import FEATURES, RECENT, features_of
from pipeline.risk.fold import by_customer, contributions, left_at, score
from pipeline.risk.known import as_known, datable
from pipeline.risk.past import DAY, look_back
from pipeline.risk.weights import Weights

HORIZON = 60  # days
EVERY = 30  # days between cut-offs


@dataclass(frozen=True, slots=True)
class Panel:
    """One row a customer and cut-off, all arrays (n,) but `values` (n, features), whose columns are `FEATURES`.

    `cut` is the place in `cuts`. `prior` is the score that `risk` gives for what was known that day. `days_to_leaving`
    is NaN where the customer never leaves; `leaves`: it does within the horizon.
    """

    cuts: tuple[datetime, ...]
    customer: NDArray[np.str_]
    cut: NDArray[np.int64]
    values: Floats
    prior: Floats
    days_to_leaving: Floats
    leaves: NDArray[np.bool_]

    @property
    def tickets(self) -> Floats:
        """How many the customer had in the last 90 days."""
        return self.values[:, FEATURES.index(f"tickets_{RECENT}_days")]

    @property
    def leavers(self) -> int:
        """How many customers leave within the horizon of a cut-off."""
        return len(set(self.customer[self.leaves].tolist()))

    def take(self, rows: NDArray[np.bool_]) -> Panel:
        """Those rows alone; `cuts` stay as they are."""
        arrays = {name: getattr(self, name)[rows] for name in self.__slots__ if name != "cuts"}
        return Panel(cuts=self.cuts, **arrays)


def cut_offs(begin: datetime, end: datetime, *, horizon: int = HORIZON, every: int = EVERY) -> tuple[datetime, ...]:
    """From the last day whose horizon is within the data back to its begin, in time order."""
    last = end - timedelta(days=horizon)
    count = int((last - begin) / DAY // every) + 1 if last >= begin else 0
    return tuple(last - timedelta(days=every * step) for step in reversed(range(count)))


def panel(contacts: Sequence[Contact], *, end: datetime, weights: Weights, horizon: int = HORIZON) -> Panel:
    """Every cut-off of a history up to `end`, beyond which nothing is looked at. It may be empty."""
    histories = by_customer(datable(contacts), now=end)
    begin = min((each.time for own in histories.values() for each in own), default=end)
    cuts = cut_offs(begin, end, horizon=horizon)
    rows = []
    for customer, own in sorted(histories.items()):
        left = left_at(own, end)
        first = min(each.time for each in own)
        for number, cut in enumerate(cuts):
            if first <= cut and (left is None or left > cut):
                days = np.nan if left is None else (left - cut) / DAY
                rows.append((customer, number, *_as_of(own, cut, weights), days))
    return _stacked(cuts, rows, horizon)


def _as_of(own: Sequence[Contact], cut: datetime, weights: Weights) -> tuple[list[float], float]:
    past = look_back(as_known(own, cut), cut, weights)
    parts = contributions(past, weights)
    found = features_of(past, parts, weights)
    return [found[name] for name in FEATURES], score(parts, past, weights)


def _stacked(
    cuts: tuple[datetime, ...], rows: Sequence[tuple[str, int, list[float], float, float]], horizon: int
) -> Panel:
    customer, cut, values, prior, days = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    until = np.array(days, np.float64)
    return Panel(
        cuts=cuts,
        customer=np.array(customer, np.str_),
        cut=np.array(cut, np.int64),
        values=np.array(values, np.float64).reshape(len(rows), len(FEATURES)),
        prior=np.array(prior, np.float64),
        days_to_leaving=until,
        leaves=until <= horizon,
    )
