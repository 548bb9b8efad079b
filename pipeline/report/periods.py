"""The time of a report cut into days, weeks or months, whichever leaves few enough to read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from pipeline.records import Contact

DAILY, WEEKLY = 35, 400  # days up to which a report goes by day, by week
STEPS = {"day": 1, "week": 7}


@dataclass(frozen=True)
class Periods:
    """Days of the messages' own clocks, from `first` to `last`; a week begins with the first day."""

    first: date
    last: date

    @classmethod
    def of(cls, contacts: Sequence[Contact]) -> Periods:
        days = [contact.time.date() for contact in contacts]
        return cls(min(days), max(days))

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def unit(self) -> str:
        return "day" if self.days <= DAILY else "week" if self.days <= WEEKLY else "month"

    @cached_property
    def starts(self) -> tuple[date, ...]:
        if self.unit == "month":
            months = range(self.first.year * 12 + self.first.month - 1, self.last.year * 12 + self.last.month)
            return tuple(date(month // 12, month % 12 + 1, 1) for month in months)
        step = STEPS[self.unit]
        return tuple(self.first + timedelta(days=offset) for offset in range(0, self.days, step))

    def place(self, contact: Contact) -> int:
        """Which period a message falls in."""
        day = contact.time.date()
        if self.unit == "month":
            return (day.year - self.first.year) * 12 + day.month - self.first.month
        return (day - self.first).days // STEPS[self.unit]

    def split(self, contacts: Iterable[Contact]) -> list[list[Contact]]:
        """The messages of each period."""
        found: list[list[Contact]] = [[] for _ in self.starts]
        for contact in contacts:
            found[self.place(contact)].append(contact)
        return found
