"""The messages that teach the most for a budget of labels: unlike one another, of every language, and unsure.

Of each language the messages are put into as many clusters as are wanted, and the one in the middle of each is chosen.
Once a model knows the labels, only those of highest entropy are put there (uncertainty sampling: Settles 2009, "Active
Learning Literature Survey", 3.1), ten times as many as are wanted, weighted by it (Zhdanov 2019, "Diverse mini-batch
Active Learning", arXiv:1901.05954). Before, few labels are best spent on what is typical (Hacohen et al. 2022, "Active
Learning on a Budget", arXiv:2202.02794). Measured beside chance and uncertainty alone: docs/review.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from pipeline.calibrate import Floats
from pipeline.encoder import Vectors
from pipeline.errors import UsageError

BALANCES: Mapping[str, float] = {
    "equal": 0.0,
    "sqrt": 0.5,
    "none": 1.0,
}  # the power that a language's messages count by
WIDER = 10  # candidates for each message chosen, of the least certain
ROUNDS = 25  # of k-means
NEAR = 0.1  # cosine distance below which two messages say the same
PART = 1_000  # messages compared with what is labelled at a time
SPOKEN = 30  # messages of a language that give it a centre of its own

Names = NDArray[np.str_]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pool:
    """n messages: `points` (n, d) of length one, `languages` (n,), and `uncertainty` (n,) in [0, 1].

    `labelled` (n,) says which have a label: they are not chosen, and neither is what is near to them. `uncertainty` is
    None until there is a model that knows the labels.
    """

    points: Vectors
    languages: Names
    labelled: NDArray[np.bool_]
    uncertainty: Floats | None = None


def points(vectors: Vectors, languages: Names) -> Vectors:
    """(n, d), of length one, less the mean of their language, or of all where it has few messages; of length one again.

    Vectors of one encoder lie in a narrow cone, and those of a language in a corner of it; less their mean, the cosine
    tells them apart.
    """
    rows = _unit(vectors)
    centred = rows - rows.mean(axis=0, keepdims=True)
    for language in np.unique(languages):
        mine = languages == language
        if mine.sum() >= SPOKEN:
            centred[mine] = rows[mine] - rows[mine].mean(axis=0)
    return _unit(centred)


def choose(pool: Pool, budget: int, *, balance: str = "sqrt", seed: int = 0) -> list[int]:
    """The places of up to `budget` messages, the languages in turn, the heaviest cluster of each first.

    A language's share follows its number of messages to the power of `BALANCES[balance]`. There are fewer than `budget`
    when the rest is near to what is chosen or labelled. Raises UsageError for another balance.
    """
    if balance not in BALANCES:
        raise UsageError(f"--balance is {balance!r}, expected one of {', '.join(BALANCES)}")
    free = _far(pool, np.flatnonzero(~pool.labelled), np.flatnonzero(pool.labelled))
    spoken, counts = np.unique(pool.languages[free], return_counts=True)
    shares = quotas(dict(zip(spoken.tolist(), counts.tolist(), strict=True)), budget, BALANCES[balance])
    lists = []
    for language, quota in shares.items():
        mine = free[pool.languages[free] == language]
        lists.append(_first_apart(pool, _middles(pool, mine, quota, seed), quota))
    chosen = _in_turn(lists)
    rest = set(free.tolist()).difference(chosen)
    return _first_apart(pool, [*chosen, *sorted(rest, key=lambda place: (-_weight(pool, place), place))], budget)


def quotas(counts: Mapping[str, int], budget: int, power: float) -> dict[str, int]:
    """Seats by Sainte-Lague, of weights `counts` to the `power`; no language has more than it has messages."""
    seats = dict.fromkeys(counts, 0)
    for _ in range(min(budget, sum(counts.values()))):
        open_ = [name for name in counts if seats[name] < counts[name]]
        seats[max(open_, key=lambda name: (counts[name] ** power / (2 * seats[name] + 1), name))] += 1
    return seats


def _middles(pool: Pool, places: Places, quota: int, seed: int) -> list[int]:
    """The candidates of one language: those in the middle of their clusters, then the others by their uncertainty."""
    weights = np.array([_weight(pool, place) for place in places.tolist()])
    order = np.argsort(-weights, kind="stable")[: WIDER * quota if pool.uncertainty is not None else None]
    top, weights = places[order], np.maximum(weights[order], 1e-6)
    if not quota or len(top) <= quota:
        return [int(place) for place in top]
    found = KMeans(quota, n_init=1, max_iter=ROUNDS, random_state=seed).fit(pool.points[top], sample_weight=weights)
    away = found.transform(pool.points[top])[np.arange(len(top)), found.labels_]
    nearest = np.argsort(away, kind="stable")
    clusters, first = np.unique(found.labels_[nearest], return_index=True)
    heavy = np.argsort(-np.bincount(found.labels_, weights)[clusters], kind="stable")
    middles = top[nearest[first]][heavy].tolist()
    return [*middles, *(place for place in top.tolist() if place not in set(middles))]


def _weight(pool: Pool, place: int) -> float:
    return 1.0 if pool.uncertainty is None else float(pool.uncertainty[place])


def _first_apart(pool: Pool, places: Iterable[int], most: int) -> list[int]:
    """The first `most` of `places`, none near to one before it."""
    kept: list[int] = []
    for place in places:
        if len(kept) == most:
            break
        if not kept or (pool.points[kept] @ pool.points[place]).max() <= 1 - NEAR:
            kept.append(place)
    return kept


def _far(pool: Pool, places: Places, known: Places) -> Places:
    """Those of `places` that are near to none of `known`."""
    if not len(known) or not len(places):
        return places
    theirs = pool.points[known].T
    parts = np.array_split(places, 1 + len(places) // PART)
    closest = np.concatenate([(pool.points[part] @ theirs).max(axis=1) for part in parts])
    return places[closest <= 1 - NEAR]


def _in_turn(lists: Sequence[Sequence[int]]) -> list[int]:
    """The first of every list, then the second of each, so that any first part of the whole is balanced."""
    return [place for places in zip_longest(*lists) for place in places if place is not None]


def _unit(rows: Vectors) -> Vectors:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)
