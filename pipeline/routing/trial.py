"""What a table of routes makes of one message, and how sure it is that the queue is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import prod

from pipeline.routing.facts import Facts, Router, as_topic
from pipeline.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Routed:
    """One message of a trial; `group` is the export's own queue, "" where it has none.

    `right` is the probability that `queue` is the right one, None where the file does not list the topics; `review`:
    a person looks at it.
    """

    queue: str
    sla_minutes: int
    time: datetime | None = None
    group: str = ""
    right: float | None = None
    review: bool = False


@dataclass(frozen=True, slots=True)
class Misroutes:
    """Expected misroutes among `messages`: the sum of 1 less the probability that each queue is right."""

    messages: int
    expected: float

    @property
    def share(self) -> float:
        return self.expected / self.messages if self.messages else 0.0


def probability_right(found: Facts, topics: Mapping[str, float], router: Router, table: Taxonomy) -> float:
    """The probability of all topics which, all else equal, lead to the queue of `found`; in [0, 1].

    `topics` are those that `nabd_topics` lists; what it leaves out counts as routed elsewhere, so this is a lower
    bound, to within the rounding of the list. Where a message may have several, it is the probability of any of them,
    which are taken for independent: the queue is right when the message has one of its topics.
    """
    queue = router(found).queue
    others = ((as_topic(found, topic, table), chance) for topic, chance in topics.items())
    chances = [chance for other, chance in others if other is not None and router(other).queue == queue]
    return 1 - prod(1 - chance for chance in chances) if table.multilabel else min(1.0, sum(chances))


def misroutes(messages: Sequence[Routed], *, reviewed: bool = True) -> dict[str, Misroutes]:
    """By queue, of the messages whose topics are known; without `reviewed` only of those that no person looks at."""
    counts: dict[str, int] = {}
    expected: dict[str, float] = {}
    for each in messages:
        if each.right is not None and (reviewed or not each.review):
            counts[each.queue] = counts.get(each.queue, 0) + 1
            expected[each.queue] = expected.get(each.queue, 0.0) + 1 - each.right
    return {queue: Misroutes(count, expected[queue]) for queue, count in counts.items()}


def together(parts: Mapping[str, Misroutes]) -> Misroutes:
    """Those of all queues."""
    return Misroutes(sum(each.messages for each in parts.values()), sum(each.expected for each in parts.values()))
