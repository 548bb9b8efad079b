"""The gates of speed and size: what the challenger costs beside the champion, on this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pipeline.bundle import Bundle
from pipeline.records import Message
from pipeline.score import score
from pipeline.training.registry.gates import Gate
from pipeline.training.registry.pyfunc import size
from pipeline.training.registry.trial import RULES, Trial

TEXTS, ROUNDS, SECONDS = 64, 5, 2.0  # messages timed, how often and for how long at least


def speed(trial: Trial) -> Gate:
    """The two take turns, so that both meet the same load; the quickest round is the one that nothing disturbed."""
    messages = [Message(case.example.text) for case in trial.new.cases[:TEXTS]]
    rounds, end = [_round(trial, messages)], time.perf_counter() + SECONDS  # the first one only warms up
    while len(rounds) <= ROUNDS or time.perf_counter() < end:
        rounds.append(_round(trial, messages))
    new, old = (min(column) for column in zip(*rounds[1:], strict=True))
    ratio, rate = new / old, len(messages) / new
    line = f"{ratio:.2f} times the champion's time, {rate:,.0f} messages a second"
    return Gate("speed", ratio <= trial.margins.speed, line, f"at most {trial.margins.speed:.2f} times")


def _round(trial: Trial, messages: Sequence[Message]) -> tuple[float, float]:
    return _seconds(trial.new.bundle, messages), _seconds(trial.old.bundle, messages)


def weight(trial: Trial) -> Gate:
    new, old = (size(side.folder) for side in (trial.new, trial.old))
    line = f"{new / old:.2f} times the champion's size, {new / 2**20:,.1f} MiB"
    return Gate("size", new / old <= trial.margins.size, line, f"at most {trial.margins.size:.2f} times")


def _seconds(bundle: Bundle, messages: Sequence[Message]) -> float:
    start = time.perf_counter()
    score(messages, bundle, RULES)
    return time.perf_counter() - start
