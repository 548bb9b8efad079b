"""How the routes compare with the groups that an export's own desk used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.columns.names import fold
from pipeline.routing.trial import Routed

MOST = 20  # pairs listed


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of `messages` with a group of the export's own: `same` go to a queue of the group's name, and `usual` to the
    queue that takes most of their group, whatever the two are called.

    `pairs` are (own group, queue, messages), the most frequent first; `rest` counts the messages of all other pairs.
    """

    messages: int
    same: int
    usual: int
    pairs: tuple[tuple[str, str, int], ...]
    rest: int


def agreement(messages: Sequence[Routed]) -> Agreement | None:
    """None where no message has a group. Names are compared by `fold`, without case, separators or letter variants."""
    counts = Counter((each.group, each.queue) for each in messages if each.group)
    if not counts:
        return None
    most: dict[str, int] = {}
    for (group, _), count in counts.items():
        most[group] = max(most.get(group, 0), count)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Agreement(
        messages=counts.total(),
        same=sum(count for (group, queue), count in ranked if fold(group) == fold(queue)),
        usual=sum(most.values()),
        pairs=tuple((group, queue, count) for (group, queue), count in ranked[:MOST]),
        rest=sum(count for _, count in ranked[MOST:]),
    )
