"""One signal: whether it can be compared, its test, and what it is on both sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np

from pipeline.drift.chance import Test
from pipeline.drift.embedding import embedding_test
from pipeline.drift.found import NO_REFERENCE, NO_STREAM, TOO_FEW, Signal
from pipeline.drift.sample import NUMBERS, YES, Sample
from pipeline.drift.shares import counted, shares_test
from pipeline.drift.spread import spread_test
from pipeline.errors import UsageError

SIGNALS = (
    "language",
    "length",
    "vocabulary",
    "embedding",
    "category",
    "topic",
    "sentiment",
    "confidence",
    "abstention",
)
FEWEST = 30  # messages a side; fewer say nothing of a share
POWER = 0.8


def unseen(name: str, reference: Sample, stream: Sample) -> str | None:
    """Why a signal cannot be compared, None when it can."""
    before, now = _rows(name, reference), _rows(name, stream)
    if before is None:
        return NO_REFERENCE
    if now is None:
        return NO_STREAM
    return TOO_FEW if min(before, now) < FEWEST else None


def _rows(name: str, side: Sample) -> int | None:
    if name == "embedding":
        return None if side.vectors is None else len(side.vectors)
    if name in NUMBERS:
        return int(np.isfinite(side.numbers[name]).sum()) if name in side.numbers else None
    return len(side.labels[name]) if name in side.labels else None


def test_signal(
    name: str, reference: Sample, stream: Sample, times: int, random: np.random.Generator
) -> tuple[Test, ...]:
    """The test of a signal; behind it, of shares, the one by stability index."""
    if name == "embedding":
        if reference.vectors is None or stream.vectors is None:
            raise AssertionError("a signal without vectors is unseen")
        if reference.vectors.shape[1] != stream.vectors.shape[1]:
            raise UsageError("the vectors of the two files are of different widths: score both with --embeddings")
        return (embedding_test(reference.vectors, stream.vectors, times=times, random=random),)
    if name in NUMBERS:
        before, now = (side.numbers[name][np.isfinite(side.numbers[name])] for side in (reference, stream))
        return (spread_test(before, now, times=times, random=random),)
    _, one, other = counted(reference.labels[name], stream.labels[name])
    return shares_test(one, other, times=times, random=random)


def signal_of(
    name: str, tests: Sequence[Test], raised: bool, level: float, sides: tuple[Sample, Sample]
) -> Signal:  # fmt: skip
    test, *others = tests
    psi, psi_limit = (others[0].value, others[0].limit(level)) if others else (None, None)
    before, now = _middles(name, sides)
    limit = test.limit(level)
    detectable = None
    if name == "embedding":
        detectable = min(1.0, limit + NormalDist().inv_cdf(POWER) * float(test.null.std()))
    elif name == "abstention" and before is not None:
        detectable = _detectable_change(before, [side.size for side in sides], level)
    return Signal(
        name, test.measure, test.value, limit, test.p_value, raised, psi, psi_limit, before, now, detectable
    )  # fmt: skip


def _middles(name: str, sides: tuple[Sample, Sample]) -> tuple[float | None, float | None]:
    measure: dict[str, Callable[[Sample], float]] = {
        "abstention": lambda side: float((side.labels["abstention"] == YES).mean()),
        **{each: lambda side, each=each: float(np.nanmedian(side.numbers[each])) for each in NUMBERS},  # type: ignore[misc]
    }
    return (measure[name](sides[0]), measure[name](sides[1])) if name in measure else (None, None)


def _detectable_change(share: float, sizes: Sequence[int], level: float) -> float:
    """Of a share, by the normal approximation (Fleiss 1981); at least that of a share of one in twenty."""
    normal, spread = NormalDist(), max(share * (1 - share), 0.05 * 0.95)
    reach = normal.inv_cdf(1 - level / 2) + normal.inv_cdf(POWER)
    return float(min(1.0, reach * np.sqrt(spread * sum(1 / size for size in sizes))))
