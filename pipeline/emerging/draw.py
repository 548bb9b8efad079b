"""Which messages are looked at, and which half of the customers finds issues while the other counts them.

Messages of one customer are not independent, so customers are drawn, split and counted, not messages. A unit is one
customer in one window; it is drawn whole, or a customer who writes much would count for less where more is drawn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from pipeline.records import Contact

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Drawn:
    """n messages, those of the last window first. `unit` (n,) numbers the customer and window; `writer` the customer.

    `finds` (n,) is true of the last window's messages of the half that finds; `counts` (n,) of all messages of every
    other customer, whose writing had no part in what was found.
    """

    contacts: list[Contact]
    now: Bools
    writer: Ints
    unit: Ints
    finds: Bools
    counts: Bools


def draw(
    contacts: Sequence[Contact], *, now: datetime, window: timedelta, earlier: int, limit: int, seed: int
) -> Drawn:  # fmt: skip
    """Of the window that ends at `now`, and of the `earlier` windows before it, about `limit` messages each.

    A message without a customer is a customer of its own. What is later than `now` is left out.
    """
    random = np.random.default_rng(seed)
    aged = [(each, (now - each.time) // window) for each in contacts]
    latest = _draw([(each, age) for each, age in aged if age == 0], limit, random)
    before = _draw([(each, age) for each, age in aged if 0 < age <= earlier], limit, random)
    chosen = latest + before
    is_now = np.arange(len(chosen)) < len(latest)
    writer = _numbered([_writer(each) for each, _ in chosen])
    unit = _numbered([(_writer(each), age) for each, age in chosen])
    writers = random.permutation(np.unique(writer[is_now]))
    finding = np.isin(writer, writers[: (len(writers) + 1) // 2])
    return Drawn([each for each, _ in chosen], is_now, writer, unit, finding & is_now, ~finding)


def _draw(
    aged: list[tuple[Contact, int]], limit: int, random: np.random.Generator
) -> list[tuple[Contact, int]]:  # fmt: skip
    """Whole units at random until `limit` messages are reached, in their order of time."""
    if len(aged) <= limit:
        return aged
    unit = _numbered([(_writer(each), age) for each, age in aged])
    order = random.permutation(unit.max() + 1)
    sizes = np.bincount(unit)[order]
    kept = order[np.cumsum(sizes) - sizes < limit]
    return [aged[index] for index in np.flatnonzero(np.isin(unit, kept)).tolist()]


def _writer(contact: Contact) -> str:
    return f"customer {contact.customer}" if contact.customer else f"row {contact.number}"


def _numbered(keys: Sequence[object]) -> Ints:
    """The same number for the same key, from 0, in the order of their first place."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
