"""From tickets to messages: how many, and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.synthetic import world
from pipeline.synthetic.chance import Bools, Ints, pick, stream
from pipeline.synthetic.tickets import ORDINARY, Tickets

DAY_SECONDS = 24 * 3600
_LATEST = len(world.LATER_DAYS) - 1
_LONGEST = len(world.SIZES_SOLVED)
AFTERMATH_DAYS = _LATEST * (_LONGEST - 1)  # a ticket's last message comes at most so long after its first


@dataclass(frozen=True, slots=True)
class Messages:
    """Arrays of length n, by ticket and then by time.

    `ticket` is an index into the tickets, `place` counts from 0 within one, `seconds` from the year's first midnight.
    """

    ticket: Ints
    place: Ints
    seconds: Ints

    def __len__(self) -> int:
        return len(self.ticket)

    @property
    def first(self) -> Bools:
        return np.equal(self.place, 0)

    @property
    def last(self) -> Bools:
        """Which are the last of their ticket."""
        return np.concatenate([self.place[1:] == 0, np.ones(1, np.bool_)])

    @property
    def opened(self) -> Ints:
        """When each ticket was opened, in seconds; 0 for those that have no message here."""
        opened = np.zeros(int(self.ticket.max(initial=-1)) + 1, np.int64)
        opened[self.ticket[self.first]] = self.seconds[self.first]
        return opened

    def chosen(self, mask: Bools) -> Messages:
        return Messages(self.ticket[mask], self.place[mask], self.seconds[mask])


def write_messages(tickets: Tickets, *, seed: int) -> Messages:
    """The customer's messages of each ticket, those after the end of the year left out; a first one is always there."""
    random = stream(seed, "threads")
    solved = tickets.service.solved
    sizes = np.empty(len(tickets), np.int64)
    sizes[solved] = 1 + pick(world.SIZES_SOLVED, random, int(solved.sum()))
    sizes[~solved] = 1 + pick(world.SIZES_UNSOLVED, random, int((~solved).sum()))
    ticket = np.repeat(np.arange(len(tickets)), sizes)
    place = _places(ticket, sizes)
    day = tickets.day[ticket] + _days_since_first(place, random)
    seconds = day * DAY_SECONDS + pick(world.HOURS, random, len(ticket)) * 3600 + random.integers(0, 3600, len(ticket))
    order = np.lexsort((seconds, ticket))
    messages = Messages(ticket, place, seconds[order])
    return messages.chosen(messages.seconds < world.DAYS * DAY_SECONDS)


def cut(messages: Messages, tickets: Tickets, *, count: int, seed: int) -> Messages:
    """At most `count` messages: whole ordinary tickets are left out at random, and one may lose its last messages."""
    sizes = np.bincount(messages.ticket, minlength=len(tickets))
    order = np.lexsort((stream(seed, "cut").random(len(tickets)), tickets.kind == ORDINARY))
    before = np.cumsum(sizes[order]) - sizes[order]
    kept = np.empty(len(tickets), np.int64)
    kept[order] = np.clip(count - before, 0, sizes[order])
    return messages.chosen(messages.place < kept[messages.ticket])


def _places(ticket: Ints, sizes: Ints) -> Ints:
    starts = np.cumsum(sizes) - sizes
    return np.arange(len(ticket)) - starts[ticket]


def _days_since_first(place: Ints, random: np.random.Generator) -> Ints:
    """Running sums of the steps within each ticket."""
    steps = np.where(place == 0, 0, pick(world.LATER_DAYS, random, len(place)))
    total = np.cumsum(steps)
    first = np.maximum.accumulate(np.where(place == 0, np.arange(len(place)), 0))
    return np.asarray(total - total[first], np.int64)
