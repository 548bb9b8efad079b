"""Messages and customers as the rows of a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from pipeline.synthetic import world
from pipeline.synthetic.chance import Ints
from pipeline.synthetic.content import fill
from pipeline.synthetic.life import Life
from pipeline.synthetic.outcomes import record
from pipeline.synthetic.people import Customers
from pipeline.synthetic.texts import Pool
from pipeline.synthetic.threads import Messages
from pipeline.synthetic.world import NEVER

TYPES = {
    "message_id": "string",
    "ticket_id": "string",
    "created_at": "string",
    "customer_id": "string",
    "channel": "string",
    "stage": "string",
    "subject": "string",
    "message": "string",
    "status": "string",
    "group": "string",
    "first_response_minutes": "int",
    "resolution_minutes": "int",
    "csat": "int",
    "nps": "int",
    "revenue": "float",
    "vip": "string",
    "churned_at": "string",
    "synthetic": "string",
}
COLUMNS = tuple(TYPES)
TRUTH_TYPES = {
    "customer_id": "string",
    "language": "string",
    "since_day": "int",
    "mood": "float",
    "satisfaction": "float",
    "usage": "float",
    "announced_at": "string",
    "churned_at": "string",
    "synthetic": "string",
}
TRUTH_COLUMNS = tuple(TRUTH_TYPES)
YES = "yes"


def message_rows(
    customers: Customers, life: Life, messages: Messages, pool: Pool, *, seed: int, start: date
) -> list[dict[str, Any]]:
    """One row a message, in order of time, with the values of `COLUMNS`; None where there is none."""
    content = fill(customers, life, messages, pool, seed=seed)
    outcomes = record(life.tickets, messages, seed=seed)
    order = np.lexsort((messages.ticket, messages.seconds))
    values = {
        **_who(customers, life, messages, start),
        **_names(messages, order, start),
        "channel": _each(list(world.CHANNELS), life.tickets.service.channel[messages.ticket]),
        "stage": content.stages,
        "subject": content.subjects,
        "message": content.texts,
        "status": outcomes.status,
        "group": content.groups,
        "first_response_minutes": outcomes.first_response,
        "resolution_minutes": outcomes.resolution,
        "csat": outcomes.csat,
        "nps": outcomes.nps,
        "synthetic": [YES] * len(messages),
    }
    columns = [values[name] for name in COLUMNS]
    return [dict(zip(COLUMNS, (column[place] for column in columns), strict=True)) for place in order]


def truth_rows(customers: Customers, life: Life, *, start: date) -> list[dict[str, Any]]:
    """One row a customer, with the values of `TRUTH_COLUMNS`: what no desk knows.

    `mood` is the level that satisfaction returns to, `satisfaction` the last one, `since_day` the day of the year on
    which they came, negative before it. In the null world `announced_at` is there and means nothing.
    """
    languages = list(world.LANGUAGES)
    return [
        {
            "customer_id": _customer(place),
            "language": languages[customers.language[place]],
            "since_day": int(customers.since[place]),
            "mood": round(float(customers.mood[place]), 4),
            "satisfaction": round(float(life.satisfaction[place]), 4),
            "usage": round(float(customers.usage[place]), 4),
            "announced_at": _day(life.announced[place], start),
            "churned_at": _day(life.left[place], start),
            "synthetic": YES,
        }
        for place in range(len(customers))
    ]


def _who(customers: Customers, life: Life, messages: Messages, start: date) -> dict[str, list[Any]]:
    """The columns that say the same of a customer in every row."""
    places = life.tickets.customer[messages.ticket]
    everyone = range(len(customers))
    return {
        "customer_id": _each([_customer(place) for place in everyone], places),
        "revenue": _each([round(float(each), 2) for each in customers.revenue], places),
        "vip": _each([YES if each else "no" for each in customers.vip], places),
        "churned_at": _each([_day(each, start) for each in life.left], places),
    }


def _names(messages: Messages, order: Ints, start: date) -> dict[str, list[Any]]:
    """Ids and times; both ids count in the order of time."""
    rank = np.empty(len(messages), np.int64)
    rank[order] = np.arange(len(messages))
    tickets = rank[messages.first].argsort().argsort()
    number = np.cumsum(messages.first) - 1
    times = np.datetime64(start.isoformat(), "s") + messages.seconds.astype("timedelta64[s]")
    return {
        "message_id": [f"SYN-M{each + 1:06d}" for each in rank],
        "ticket_id": [f"SYN-T{each + 1:06d}" for each in tickets[number]],
        "created_at": [f"{each}{world.OFFSET}" for each in np.datetime_as_string(times)],
    }


def _each(values: Sequence[Any], places: Ints) -> list[Any]:
    return [values[place] for place in places]


def _customer(place: int) -> str:
    return f"SYN-C{place + 1:05d}"


def _day(day: int, start: date) -> str | None:
    return (start + timedelta(days=int(day))).isoformat() if day < NEVER else None
