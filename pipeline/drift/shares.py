"""Labels: are their shares those of the reference?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.calibrate import Floats
from pipeline.drift.chance import Ints, Test, dealt
from pipeline.drift.sample import Names


def counted(reference: Names, stream: Names) -> tuple[list[str], Ints, Ints]:
    """The k labels of either side and how often each side has them, the reference's most common first."""
    labels, places = np.unique(np.concatenate([reference, stream]), return_inverse=True)
    counts = [
        np.bincount(part, minlength=len(labels)).astype(np.int64)
        for part in (places[: len(reference)], places[len(reference) :])
    ]
    order = np.lexsort((-counts[1], -counts[0]))
    return labels[order].tolist(), counts[0][order], counts[1][order]


def shares_test(reference: Ints, stream: Ints, *, times: int, random: np.random.Generator) -> tuple[Test, Test]:
    """Counts (k,) of both sides -> the test by Jensen-Shannon divergence, and the same by PSI, for comparison."""
    dealings = dealt(reference, stream, times=times, random=random)
    return (
        Test("js", float(jensen_shannon(reference, stream)), jensen_shannon(*dealings)),
        Test("psi", float(stability_index(reference, stream)), stability_index(*dealings)),
    )


def jensen_shannon(one: ArrayLike, other: ArrayLike) -> Floats:
    """Of counts (..., k): the divergence in bits, in [0, 1] (Lin 1991)."""
    p, q = (_shares(counts) for counts in (one, other))
    middle = (p + q) / 2
    return np.maximum((_relative(p, middle) + _relative(q, middle)) / 2, 0.0)


def stability_index(one: ArrayLike, other: ArrayLike) -> Floats:
    """Of counts (..., k): the population stability index, 0.5 added to every count so that an absent label counts."""
    p, q = (_shares(np.asarray(counts, np.float64) + 0.5) for counts in (one, other))
    return np.asarray(((p - q) * np.log(p / q)).sum(axis=-1))


def _shares(counts: ArrayLike) -> Floats:
    numbers = np.asarray(counts, np.float64)
    return np.asarray(numbers / numbers.sum(axis=-1, keepdims=True))


def _relative(p: Floats, q: Floats) -> Floats:
    """Kullback-Leibler divergence of p from q in bits; q is positive where p is."""
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return np.asarray((p * np.log2(ratio)).sum(axis=-1))
