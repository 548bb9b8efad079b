"""How well a ranking of customers finds those who leave; every interval is over customers, not rows.

A customer stands in the panel at several cut-offs with much the same history, so rows drawn one by one would make every
interval too narrow: the bootstrap draws whole customers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pipeline.calibrate import Floats
from pipeline.risk.panel import Panel
from pipeline.training.metrics import RESAMPLES, resample

TOP = 0.05  # of the customers of a cut-off
CALLS = (20, 50)  # customers a desk can call at each cut-off
EARLY = 0.1  # share of customers among whom one must stand to be found
BINS = 10
BLOCK = 50  # draws at a time, so that memory does not grow with them

Metric = Callable[[Floats], Floats]


def draws(metric: Metric, rows: Panel, *, seed: int, times: int = RESAMPLES) -> Floats:
    """(1 + times,) values of a metric of counts (draws, n): of the rows as they are, then of customers drawn."""
    _, owner = np.unique(rows.customer, return_inverse=True)
    counts = resample(int(owner.max()) + 1, times=times, seed=seed)
    return np.concatenate([metric(counts[start : start + BLOCK][:, owner]) for start in range(0, len(counts), BLOCK)])


def roc_auc(rows: Panel, score: Floats) -> Metric:
    """The chance that one who leaves stands above one who stays, equal scores half (Hanley and McNeil 1982)."""
    order = np.argsort(score, kind="stable")
    wanted = rows.leaves[order]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(score[order])) + 1])

    def metric(counts: Floats) -> Floats:
        here, there = (np.add.reduceat(counts[:, order] * side, starts, axis=1) for side in (wanted, ~wanted))
        below = np.cumsum(there, axis=1) - there / 2
        pairs = here.sum(axis=1) * there.sum(axis=1)
        found: Floats = np.full(len(counts), np.nan)
        np.divide((here * below).sum(axis=1), pairs, out=found, where=pairs > 0)
        return found

    return metric


def precision_at_top(rows: Panel, score: Floats) -> dict[str, float]:
    """Of the customers that stand first at each cut-off, the share that leaves; equal scores share their places."""
    found = {f"top {count}": _precision(rows, score, count) for count in CALLS}
    return found | {f"top {TOP:.0%}": _precision(rows, score, None)}


def _precision(rows: Panel, score: Floats, count: int | None) -> float:
    """Of the first `count` of each cut-off; None: of its first `TOP`."""
    hits = taken = 0.0
    for cut in np.unique(rows.cut):
        here = rows.cut == cut
        own, leaves = score[here], rows.leaves[here]
        places = min(count or math.ceil(TOP * len(own)), len(own))
        last = np.sort(own)[-places]
        above, level = own > last, own == last
        hits += leaves[above].sum() + (places - above.sum()) * leaves[level].mean()
        taken += places
    return float(hits / taken)


def gain(rows: Panel, score: Floats, shares: Sequence[float]) -> list[float]:
    """Of all rows that leave, the share found among the first `shares` of all; equal scores share their places."""
    levels, group, sizes = np.unique(-score, return_inverse=True, return_counts=True)
    caught = np.bincount(group, rows.leaves, minlength=len(levels))
    ends = np.concatenate([[0.0], np.cumsum(sizes)]) / len(score)
    return [float(each) for each in np.interp(shares, ends, np.concatenate([[0.0], np.cumsum(caught)]) / caught.sum())]


def lead_times(rows: Panel, score: Floats) -> tuple[float, float]:
    """Median days from the first cut-off at which a customer who leaves stands in the top tenth, and the share found.

    Only those are counted who leave within the horizon of one of the cut-offs. A group of equal scores that does not
    fit into the tenth is not in it. NaN where none is found.
    """
    first: dict[str, float] = {}
    for cut in np.unique(rows.cut):
        here = np.flatnonzero(rows.cut == cut)
        within = [int((score[here] >= score[row]).sum()) <= math.ceil(EARLY * len(here)) for row in here]
        for row in here[within]:
            first.setdefault(str(rows.customer[row]), float(rows.days_to_leaving[row]))
    gone = set(rows.customer[rows.leaves].tolist())
    days = [first[name] for name in sorted(gone & first.keys())]
    return (float(np.median(days)) if days else math.nan), len(days) / max(1, len(gone))


def reliability(rows: Panel, probability: Floats) -> list[Mapping[str, float]]:
    """Bins of equal mass, from the least probable on: how probable leaving was said to be, and how often it was."""
    parts = np.array_split(np.argsort(probability, kind="stable"), min(BINS, len(probability)))
    return [
        {"n": len(part), "said": float(probability[part].mean()), "left": float(rows.leaves[part].mean())}
        for part in parts
    ]
