"""A queue hour by hour: what arrives, what it can handle, what waits."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline.routing.load import hour_of
from pipeline.routing.queues import Queue
from pipeline.routing.trial import Routed

HOUR = timedelta(hours=1)
Arrivals = Mapping[int, Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class Strain:
    """How a queue fared from the export's first hour to its last: `arrived` = `handled` + `backlog`.

    In `hours_over` hours more arrived than it can handle, `over` messages too many in all. `largest` is the largest
    backlog at the end of an hour, first at `largest_at`. `missed` messages wait beyond their SLA; those that still wait
    at the end are taken to be handled at the same pace.
    """

    queue: str
    per_hour: int
    arrived: int
    handled: int
    backlog: int
    hours_over: int
    over: int
    largest: int
    largest_at: datetime | None
    missed: int


def strains(messages: Sequence[Routed], queues: Iterable[Queue]) -> list[Strain]:
    """One a queue with a capacity; messages without a time are left out. Empty where no message has one."""
    timed = [(hour_of(each.time), each) for each in messages if each.time is not None]
    if not timed:
        return []
    first, last = min(hour for hour, _ in timed), max(hour for hour, _ in timed)
    by_queue: dict[str, dict[int, Counter[int]]] = {}
    for hour, each in timed:
        hours = by_queue.setdefault(each.queue, {})
        hours.setdefault((hour - first) // HOUR, Counter())[each.sla_minutes] += 1
    return [simulate(queue, by_queue.get(queue.name, {}), first=first, last=(last - first) // HOUR) for queue in queues]


def simulate(queue: Queue, arrivals: Arrivals, *, first: datetime, last: int) -> Strain:
    """`arrivals`: hour, counted from `first` as 0 -> SLA in minutes -> messages; `last` is the export's last hour.

    What is due first is handled first. A message handled h hours after the one it arrived in has waited 60 h minutes.
    """
    line = _Line()
    handled, missed, largest, largest_at, backlog = 0, 0, 0, 0, 0
    hours = deque(sorted(arrivals))
    now = 0
    while hours or line.length:
        now = now if line.length else hours[0]
        if hours and hours[0] == now:
            line.join(arrivals[hours.popleft()], now)
        before = line.length
        missed += line.serve(queue.per_hour, now)
        if now <= last:
            handled, backlog = handled + before - line.length, line.length
            if line.length > largest:
                largest, largest_at = line.length, now
        now += 1
    counts = [sum(by_sla.values()) for by_sla in arrivals.values()]
    excess = [count - queue.per_hour for count in counts if count > queue.per_hour]
    moment = first + largest_at * HOUR if largest else None
    return Strain(
        queue.name, queue.per_hour, sum(counts), handled, backlog, len(excess), sum(excess), largest, moment, missed
    )  # fmt: skip


@dataclass
class _Line:
    """Messages that wait: (due in minutes, hour of arrival, how many), what is due first in front."""

    heap: list[tuple[int, int, int]] = field(default_factory=list)
    length: int = 0

    def join(self, by_sla: Mapping[int, int], now: int) -> None:
        for sla, count in by_sla.items():
            heapq.heappush(self.heap, (60 * now + sla, now, count))
            self.length += count

    def serve(self, most: int, now: int) -> int:
        """Takes up to `most` messages; returns how many of them waited beyond their SLA."""
        missed = 0
        while most and self.heap:
            due, arrived, count = heapq.heappop(self.heap)
            taken = min(most, count)
            missed += taken if 60 * now > due else 0
            if taken < count:
                heapq.heappush(self.heap, (due, arrived, count - taken))
            most, self.length = most - taken, self.length - taken
        return missed
