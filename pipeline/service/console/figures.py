"""What came in, counted by the database: no message is read for a figure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from pipeline.service.store.tables import Customer, Message
from pipeline.taxonomy import NEGATIVE

NONE = "[]"  # how an empty list is kept


@dataclass(frozen=True)
class Figures:
    """Of the messages from `first` on, before `until`, both midnights in UTC.

    `categories` and `sentiments` are counts by day, one for each of `days`; `queues` is name -> (messages, handed to a
    person); `reasons` why they were.
    """

    days: tuple[date, ...]
    categories: Mapping[str, list[int]]
    sentiments: Mapping[str, list[int]]
    queues: Mapping[str, tuple[int, int]]
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return sum(count for count, _ in self.queues.values())

    @property
    def handed(self) -> int:
        return sum(handed for _, handed in self.queues.values())

    @property
    def negative(self) -> tuple[int, int]:
        """How many are negative, and of how many that have a sentiment."""
        return sum(self.sentiments.get(NEGATIVE, [])), sum(map(sum, self.sentiments.values()))


def figures(session: Session, *, first: datetime, until: datetime) -> Figures:
    """Counts by day, category, sentiment, queue and reason of review."""
    days = tuple((first + timedelta(days=step)).date() for step in range((until - first).days))
    places = {day.isoformat(): place for place, day in enumerate(days)}
    day, within = _day(session), (Message.time >= first, Message.time < until)
    categories: dict[str, list[int]] = {}
    sentiments: dict[str, list[int]] = {}
    found = select(day, Message.category, Message.sentiment, func.count()).where(*within)
    for when, category, sentiment, count in session.execute(found.group_by(day, Message.category, Message.sentiment)):
        place = places[str(when)]
        categories.setdefault(category, [0] * len(days))[place] += count
        if sentiment is not None:
            sentiments.setdefault(sentiment, [0] * len(days))[place] += count
    queues, reasons = _queues(session, within)
    return Figures(days, categories, sentiments, queues, reasons)


def bands(session: Session) -> Counter[str]:
    """Customers by band of risk."""
    rows = session.execute(select(Customer.band, func.count()).group_by(Customer.band))
    return Counter({band: count for band, count in rows})


def waiting(session: Session) -> int:
    """Messages handed to a person that nobody has looked at here."""
    found = select(func.count()).where(
        Message.reviewed.is_(False), Message.text.is_not(None), cast(Message.review, Text) != NONE
    )
    return session.scalar(found.select_from(Message)) or 0


def latest(session: Session) -> datetime | None:
    """The time of the latest message."""
    return session.scalar(select(Message.time).order_by(Message.time.desc()).limit(1))


def midnight(moment: datetime) -> datetime:
    """The end of the day of `moment`, in UTC."""
    return datetime.combine(moment.astimezone(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)


def _queues(session: Session, within: Any) -> tuple[dict[str, tuple[int, int]], Counter[str]]:
    review = cast(Message.review, Text)
    rows = session.execute(
        select(Message.queue, review, func.count()).where(*within).group_by(Message.queue, review)
    ).all()
    reasons: Counter[str] = Counter()
    queues: dict[str, tuple[int, int]] = {}
    for queue, listed, count in rows:
        mine = json.loads(listed)
        reasons.update(dict.fromkeys(mine, count))
        all_of_it, handed = queues.get(queue, (0, 0))
        queues[queue] = (all_of_it + count, handed + (count if mine else 0))
    return dict(sorted(queues.items(), key=lambda pair: (-pair[1][0], pair[0]))), reasons


def _day(session: Session) -> ColumnElement[Any]:
    """The day of a message in UTC, which PostgreSQL would take by its own time zone."""
    is_postgres = session.get_bind().dialect.name == "postgresql"
    return func.date(func.timezone("UTC", Message.time) if is_postgres else Message.time)
