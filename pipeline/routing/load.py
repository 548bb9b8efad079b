"""How many messages reach each queue, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pipeline.routing.trial import Routed

DAY = 24  # hours


@dataclass(frozen=True, slots=True)
class HourOfDay:
    """Messages that arrive between `hour` and the next: the mean over all days, and the day with most of them."""

    hour: int
    mean: float
    busiest: int
    day: date | None


@dataclass(frozen=True, slots=True)
class Load:
    """What reaches one queue; `sla` counts messages by their SLA in minutes.

    `hours` holds the 24 hours of the day, in the export's own time; it is empty, and `busiest` None, where no time is
    known. `mean` is of messages an hour over all days.
    """

    messages: int
    sla: Mapping[int, int]
    hours: tuple[HourOfDay, ...] = ()
    mean: float | None = None
    busiest: tuple[datetime, int] | None = None


def loads(messages: Sequence[Routed]) -> dict[str, Load]:
    """Queue -> its load, the greatest first. Days count from the first message of the export to its last."""
    days = _days(messages)
    by_queue: dict[str, list[Routed]] = {}
    for each in messages:
        by_queue.setdefault(each.queue, []).append(each)
    return {queue: load(by_queue[queue], days=days) for queue in sorted(by_queue, key=lambda q: -len(by_queue[q]))}


def load(messages: Sequence[Routed], *, days: int | None = None) -> Load:
    """The load of these messages together, over `days`, else from the first message to the last."""
    days = _days(messages) if days is None else days
    sla = dict(sorted(Counter(each.sla_minutes for each in messages).items()))
    slots = arrivals(messages)
    if not slots:
        return Load(len(messages), sla)
    peak = min(slots, key=lambda slot: (-slots[slot], slot))
    return Load(
        messages=len(messages),
        sla=sla,
        hours=tuple(_hour(hour, slots, days) for hour in range(DAY)),
        mean=slots.total() / (days * DAY),
        busiest=(peak, slots[peak]),
    )


def arrivals(messages: Iterable[Routed]) -> Counter[datetime]:
    """Messages by the full hour in which they arrived; those without a time are left out."""
    return Counter(hour_of(each.time) for each in messages if each.time is not None)


def hour_of(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)


def _hour(hour: int, slots: Counter[datetime], days: int) -> HourOfDay:
    of_hour = {slot.date(): count for slot, count in slots.items() if slot.hour == hour}
    day = min(of_hour, key=lambda each: (-of_hour[each], each), default=None)
    return HourOfDay(hour, sum(of_hour.values()) / days, of_hour[day] if day else 0, day)


def _days(messages: Iterable[Routed]) -> int:
    dates = [each.time.date() for each in messages if each.time is not None]
    return (max(dates) - min(dates)).days + 1 if dates else 0
