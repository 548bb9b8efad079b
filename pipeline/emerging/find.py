"""Messages of the last days -> the issues among them, and which of them grew.

One half of the last window's customers finds the issues: dense groups among the vectors of what they wrote. All other
customers then say whether an issue grows, by what they wrote in that window and in those before: a group was chosen
for being large now among the first half, so that half's count would be too high wherever it is looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from pipeline.emerging.clusters import NONE, Clusters, Ints, find_clusters, space
from pipeline.emerging.draw import Bools, Drawn, draw
from pipeline.emerging.growth import Growth, growth
from pipeline.emerging.issues import Issue, describe
from pipeline.emerging.terms import Said, name_clusters
from pipeline.encoder import Vectors
from pipeline.records import Contact
from pipeline.score import prepare

WINDOW_DAYS = 7
SMALLEST, SMALLEST_SHARE = 5, 0.01  # messages of the finding half that make an issue


@dataclass(frozen=True, slots=True)
class Emerging:
    """The issues of the window from `since` to `until`, those that emerge first; `note` says how they were found.

    `messages` and `earlier` are how many were looked at in the window and in those before.
    """

    issues: tuple[Issue, ...]
    note: str
    since: datetime
    until: datetime
    messages: int
    earlier: int


def emerging(
    contacts: Sequence[Contact], vectors_of: Callable[[Sequence[Contact]], Vectors], *, now: datetime,
    window_days: int = WINDOW_DAYS, earlier_windows: int = 4, limit: int = 3000, seed: int = 0,
) -> Emerging:  # fmt: skip
    """The issues of the `window_days` before `now`; the same for the same contacts, in any run.

    `vectors_of` gives the vectors (n, d) of contacts, which must all be of one encoder. About `limit` messages of the
    window are looked at, and as many of the windows before. Needs scikit-learn.
    """
    window = timedelta(days=window_days)
    drawn = draw(contacts, now=now, window=window, earlier=earlier_windows, limit=limit, seed=seed)
    messages, earlier = int(drawn.now.sum()), int((~drawn.now).sum())
    finding = _once_each(drawn)
    smallest = max(SMALLEST, round(SMALLEST_SHARE * len(finding)))
    issues: list[Issue] = []
    note = f"too few messages: half of the customers wrote {len(finding)}, and {2 * smallest} are needed"
    if len(finding) >= 2 * smallest:
        points = space(vectors_of(drawn.contacts), [each.language for each in drawn.contacts], seed=seed)
        clusters = find_clusters(points[finding], smallest=smallest)
        issues = _issues(drawn, points, clusters) if len(clusters.centres) else []
        note = _note(drawn, issues, smallest)
    return Emerging(tuple(issues), note, now - window, now, messages, earlier)


def _once_each(drawn: Drawn) -> Ints:
    """Places of the finding half's messages, the same text of the same customer once."""
    first: dict[tuple[int, str], int] = {}
    for place in np.flatnonzero(drawn.finds).tolist():
        first.setdefault((int(drawn.writer[place]), drawn.contacts[place].text), place)
    return np.array(list(first.values()), np.int64)


def _issues(drawn: Drawn, points: Vectors, clusters: Clusters) -> list[Issue]:
    count = len(clusters.centres)
    cluster, depth = clusters.assign(points)
    grown = _growth(drawn, cluster, count)
    names = name_clusters(_said(drawn, cluster), count)
    held = [each for each in range(count) if (drawn.now & (cluster == each)).any()]
    found = [describe(drawn, cluster == each, depth, names[each], grown[each]) for each in held]
    return sorted(found, key=lambda each: (not each.is_emerging, each.growth.q_value if each.growth else 1, -each.size))


def _growth(drawn: Drawn, cluster: Ints, count: int) -> list[Growth | None]:
    """In customers a window, of those who had no part in finding."""

    def units(which: Bools) -> int:
        return len(np.unique(drawn.unit[which & drawn.counts]))

    exposure = units(drawn.now), units(~drawn.now)
    if not all(exposure):
        return [None] * count
    now, before = ([units(when & (cluster == each)) for each in range(count)] for when in (drawn.now, ~drawn.now))
    return growth(now, before, exposure=exposure)


def _said(drawn: Drawn, cluster: Ints) -> list[Said]:
    """The last window's messages by cluster; those before are background."""
    return [
        Said(prepare(each.text).text, each.language, writer, place if is_now else NONE)
        for each, writer, place, is_now in zip(
            drawn.contacts, drawn.writer.tolist(), cluster.tolist(), drawn.now.tolist(), strict=True
        )
    ]


def _note(drawn: Drawn, issues: Sequence[Issue], smallest: int) -> str:
    if not issues:
        return f"no issues: among the messages of half of the customers, no {smallest} or more stand close together"
    found = f"issues found among half of the customers: {len(issues)}"
    if not (drawn.counts & ~drawn.now).any():
        return f"{found}; growth unknown: the others wrote nothing in the windows before"
    if not (drawn.counts & drawn.now).any():
        return f"{found}; growth unknown: there are no other customers"
    return f"{found}; grown among the others: {sum(each.is_emerging for each in issues)}"
