"""The tickets that the year leaves behind, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.synthetic.chance import Floats, Ints
from pipeline.synthetic.desk import Service

ORDINARY, ANNOUNCEMENT = -1, -2  # kinds of ticket; an incident's is its index


@dataclass(frozen=True, slots=True)
class Tickets:
    """Arrays of length n, in the order of the days. `satisfaction` is the customer's on that `day`."""

    customer: Ints
    day: Ints
    kind: Ints
    satisfaction: Floats
    service: Service

    def __len__(self) -> int:
        return len(self.day)


def joined(days: Sequence[Tickets]) -> Tickets:
    """The tickets of several days as one."""
    services = [day.service for day in days]
    service = Service(*(_column(services, name) for name in ("channel", "first_response", "slow", "solved")))
    customer, day, kind, satisfaction = (_column(days, name) for name in ("customer", "day", "kind", "satisfaction"))
    return Tickets(customer, day, kind, satisfaction, service)


def _column(parts: Sequence[Any], name: str) -> Any:
    return np.concatenate([getattr(part, name) for part in parts])
