"""THE comparison: a reference and a stream -> signals, one alarm, and whether retraining is worth it.

Each signal has an exact test, and Holm's procedure (1979) raises those that hold together: whatever the signals have to
do with each other, a stream that is the reference's own raises any of them with a probability of at most the rate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.drift import RATES
from pipeline.drift.accuracy import Loss, estimate_losses
from pipeline.drift.found import CANNOT_TELL, CHANGED, RETRAIN, STEADY, Drift, Share, Signal
from pipeline.drift.labelshift import label_shift
from pipeline.drift.sample import LABELS, Sample
from pipeline.drift.shares import counted
from pipeline.drift.signals import SIGNALS, signal_of, test_signal, unseen
from pipeline.errors import UsageError

RATE = 0.05
WORTH = 0.01  # accuracy lost, at least, by the whole interval, that retraining is worth


def compare(
    reference: Sample, stream: Sample, *, rate: float = RATE, seed: int = 0, permutations: int | None = None
) -> Drift:  # fmt: skip
    """The same for the same samples. `rate` is of false alarms, for all signals together and one comparison.

    `permutations` is how often chance is dealt: by default as often as the strictest level of `rate` needs. Raises
    UsageError for samples that two models scored, or a rate outside [0.001, 0.5].
    """
    _check(reference, stream, rate)
    why = {name: reason for name in SIGNALS if (reason := unseen(name, reference, stream)) is not None}
    names = [name for name in SIGNALS if name not in why]
    times = permutations or max(999, int(np.ceil(10 * len(names) / rate)))
    chances = {name: np.random.default_rng([seed, place]) for place, name in enumerate(SIGNALS)}
    found = [test_signal(name, reference, stream, times, chances[name]) for name in names]
    raised = holm([tests[0].p_value for tests in found], rate)
    sides = (reference, stream)
    signals = tuple(
        signal_of(name, tests, is_raised, rate / len(names), sides)
        for name, tests, is_raised in zip(names, found, raised, strict=True)
    )
    losses = estimate_losses(reference, stream, seed=seed) if signals else ()
    moved = label_shift(reference, stream, seed=seed) if signals else ()
    shares = {name: _shares(name, reference, stream) for name in LABELS if name in names}
    return Drift(rate, _verdict(signals, losses), signals, why, shares, losses, moved, reference, stream)


def holm(p_values: Sequence[float], rate: float) -> list[bool]:
    """Which are raised: the smallest while each is at most `rate` over how many are left."""
    raised = [False] * len(p_values)
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[place] > rate / (len(p_values) - rank):
            break
        raised[place] = True
    return raised


def _check(reference: Sample, stream: Sample, rate: float) -> None:
    low, high = RATES
    if not low <= rate <= high:
        raise UsageError(f"--alarm-rate is {rate}, expected a probability from {low} to {high}")
    if reference.model != stream.model:
        raise UsageError(
            f"the reference was scored by {reference.model or 'no model'} and the stream by {stream.model or 'none'}; "
            "two models always differ: score both by one"
        )


def _shares(name: str, reference: Sample, stream: Sample) -> list[Share]:
    labels, before, now = counted(reference.labels[name], stream.labels[name])
    return [Share(*row) for row in zip(labels, before.tolist(), now.tolist(), strict=True)]


def _verdict(signals: Sequence[Signal], losses: Sequence[Loss]) -> str:
    if not signals:
        return CANNOT_TELL
    if not any(signal.raised for signal in signals):
        return STEADY
    return RETRAIN if losses and losses[0].low >= WORTH else CHANGED
