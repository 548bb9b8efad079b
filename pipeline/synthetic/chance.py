"""Seeded draws: one stream of random numbers for each purpose, so that one does not disturb another."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def stream(seed: int, purpose: str) -> np.random.Generator:
    """The random numbers of one purpose: equal seed and purpose, equal numbers."""
    return np.random.default_rng((seed, zlib.crc32(purpose.encode())))


def pick(shares: Sequence[float] | Floats, random: np.random.Generator, count: int) -> Ints:
    """`count` indices into `shares`, which need not sum to 1."""
    edges = np.cumsum(np.asarray(shares, np.float64))
    return np.asarray(np.searchsorted(edges, random.random(count) * edges[-1], side="right"), np.int64)


def pick_each(weights: Floats, random: np.random.Generator) -> Ints:
    """One index for each row of `weights` (n, k), whose rows need not sum to 1 but must not be all 0."""
    edges = np.cumsum(weights, axis=1)
    edges /= edges[:, -1:]
    return np.asarray((edges <= random.random(len(weights))[:, None]).sum(axis=1), np.int64)


def lognormal(median: float | Floats, spread: float, random: np.random.Generator, count: int) -> Floats:
    """`count` draws whose logarithm has the standard deviation `spread`."""
    return np.asarray(median * np.exp(spread * random.standard_normal(count)), np.float64)
