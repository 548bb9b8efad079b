"""What an issue is, and how one is told from the messages of its cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from pipeline.emerging.draw import Bools, Drawn, Ints
from pipeline.emerging.growth import Growth
from pipeline.encoder import Vectors

EXAMPLES, MOST_COMMON = 5, 3


@dataclass(frozen=True, slots=True)
class Issue:
    """Messages of one kind in the last window.

    `size` and `customers` are of the window, `expected` what `size` would be had their share stayed that of before;
    None without earlier messages. `languages`, `categories` and `topics` are counts, the most common first. `examples`
    are ids of the most typical messages, of different customers. `first_seen` is of the first message of the kind in
    the windows looked at. `growth` is None when the other half of the customers cannot tell.
    """

    terms: tuple[str, ...]
    size: int
    customers: int
    expected: float | None
    growth: Growth | None
    languages: Mapping[str, int]
    categories: Mapping[str, int]
    topics: Mapping[str, int]
    examples: tuple[str, ...]
    first_seen: datetime

    @property
    def is_emerging(self) -> bool:
        """Grew by more than half, at a false discovery rate below 0.05."""
        return self.growth is not None and self.growth.is_emerging


def describe(drawn: Drawn, mine: Bools, depth: Vectors, terms: tuple[str, ...], grown: Growth | None) -> Issue:
    """The issue of the messages that are `mine` (n,), at least one of them of the last window.

    `depth` (n,) is the distance of each to the middle of its cluster.
    """
    places = np.flatnonzero(mine & drawn.now)
    members = [drawn.contacts[place] for place in places.tolist()]
    messages, earlier = drawn.now.sum(), (~drawn.now).sum()
    return Issue(
        terms=terms,
        size=len(members),
        customers=len(np.unique(drawn.writer[places])),
        expected=float((mine & ~drawn.now).sum() * messages / earlier) if earlier else None,
        growth=grown,
        languages=_counted(each.language for each in members),
        categories=_counted(each.category for each in members),
        topics=_counted(each.topic for each in members),
        examples=_typical(drawn, places[np.argsort(depth[places], kind="stable")]),
        first_seen=min(drawn.contacts[place].time for place in np.flatnonzero(mine).tolist()),
    )


def _typical(drawn: Drawn, nearest: Ints) -> tuple[str, ...]:
    """The id of each customer's nearest message, the nearest first."""
    ids: dict[int, str] = {}
    for place in nearest.tolist():
        ids.setdefault(int(drawn.writer[place]), drawn.contacts[place].id)
    return tuple(ids.values())[:EXAMPLES]


def _counted(labels: Iterable[str]) -> dict[str, int]:
    return dict(Counter(label for label in labels if label).most_common(MOST_COMMON))
