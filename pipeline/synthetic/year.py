"""The whole of it: customers, their year, the messages, the rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from pipeline.errors import UsageError
from pipeline.synthetic import world
from pipeline.synthetic.chance import Ints, stream
from pipeline.synthetic.life import Life, live
from pipeline.synthetic.people import Customers, draw_customers
from pipeline.synthetic.rows import message_rows, truth_rows
from pipeline.synthetic.texts import load_pool
from pipeline.synthetic.threads import Messages, cut, write_messages
from pipeline.synthetic.world import DAYS, NEVER, START, Incident

MESSAGES_EACH = 10  # of a customer, where the number of customers is not said
_FIRST_PACE = 1 / (DAYS * 1.6)  # tickets a day, from which the search for the right pace sets out
_AIM, _MOST = 1.04, 1.10  # messages simulated for each one asked for: aimed at, and accepted


@dataclass(frozen=True, slots=True)
class Year:
    """`rows` are the messages in order of time; `truth` has one row a customer, also of those who never wrote."""

    rows: list[dict[str, Any]]
    truth: list[dict[str, Any]]


def generate(
    *, messages: int, customers: int | None = None, seed: int = 0, null: bool = False, start: date = START
) -> list[dict[str, Any]]:
    """Exactly `messages` rows of a synthetic year that begins on `start`; see `synthetic_year`."""
    return synthetic_year(messages=messages, customers=customers, seed=seed, null=null, start=start).rows


def synthetic_year(
    *, messages: int, customers: int | None = None, seed: int = 0, null: bool = False, start: date = START
) -> Year:
    """Exactly `messages` rows, and the truth behind them; equal arguments, equal rows.

    `customers` is one for every ten messages unless said; not each of them writes. With `null`, leaving has nothing to
    do with satisfaction or messages. Raises UsageError for numbers that cannot be met.
    """
    customers = max(1, messages // MESSAGES_EACH) if customers is None else customers
    _check(messages, customers, seed, start)
    incidents = world.load_incidents()
    desk = _Desk(draw_customers(customers, incidents, seed=seed), incidents, seed, start)
    life, written = desk.year(messages)
    if null:
        life, written = desk.year(messages, left=_at_random(desk.customers, life, seed))
    rows = message_rows(desk.customers, life, written, load_pool(), seed=seed, start=start)
    return Year(rows, truth_rows(desk.customers, life, start=start))


@dataclass(frozen=True, slots=True)
class _Desk:
    customers: Customers
    incidents: tuple[Incident, ...]
    seed: int
    start: date

    def year(self, count: int, *, left: Ints | None = None) -> tuple[Life, Messages]:
        """A year at the pace that gives `count` messages and at most a tenth more, which are left out at random."""
        pace, most = _FIRST_PACE * count / len(self.customers), _MOST * count + 20
        while True:
            life = live(self.customers, self.incidents, seed=self.seed, start=self.start, pace=pace, left=left)
            messages = write_messages(life.tickets, seed=self.seed)
            found = len(messages)
            if count <= found <= most:
                return life, cut(messages, life.tickets, count=count, seed=self.seed)
            change = _AIM * count / max(found, 0.5)
            pace *= max(change, _AIM) if found < count else change
            most *= _MOST  # a few customers write by fits and starts: accept more in the end


def _at_random(customers: Customers, life: Life, seed: int) -> Ints:
    """Days of leaving with the same probability a day for every customer: that of `life` on average."""
    rate = float((life.left < NEVER).sum()) / life.days
    random = stream(seed, "null")
    wait = np.full(len(customers), NEVER) if rate == 0 else random.geometric(rate, len(customers))
    return np.maximum(customers.since, 0) + wait


def _check(messages: int, customers: int, seed: int, start: date) -> None:
    if messages < 1:
        raise UsageError(f"messages is {messages}, expected 1 or more")
    if not 1 <= customers <= messages:
        raise UsageError(f"customers is {customers}, expected 1 to {messages}, the number of messages")
    if seed < 0:
        raise UsageError(f"seed is {seed}, expected 0 or more")
    if not date(1900, 1, 1) <= start <= date(2199, 1, 1):
        raise UsageError(f"start is {start}, expected a day from 1900 to 2199")
