"""Contenders side by side: in turns, slice by slice, so that a slow moment of the machine is nobody's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from pipeline.score import prepare
from pipeline.training.bench.messages import write_messages


@dataclass(frozen=True, slots=True)
class Slice:
    """The messages of one round: as they came, as a CSV file, and prepared for a model, each on one line."""

    texts: Sequence[str]
    path: Path
    prepared: list[str]  # fastText's `predict` takes nothing but a list

    @classmethod
    def of(cls, texts: Sequence[str], path: Path) -> Self:
        return cls(texts, write_messages(path, texts, len(texts)), one_line(texts))

    def first(self, count: int) -> Self:
        """Fewer of the messages; the file stays whole."""
        return replace(self, texts=self.texts[:count], prepared=self.prepared[:count])


Contender = Callable[[Slice], object]
Rates = Mapping[str, Sequence[float]]  # messages a second, a number a round


def one_line(texts: Sequence[str]) -> list[str]:
    """What a model reads of raw messages: prepared, and every run of white space one space."""
    return [" ".join(prepare(text).text.split()) for text in texts]


def interleave(contenders: Mapping[str, Contender], slices: Sequence[Slice]) -> dict[str, list[float]]:
    """Messages a second of each contender, one number a slice; the order changes from slice to slice."""
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    for turn, part in enumerate(slices):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            rates[name].append(len(part.texts) / seconds(contenders[name], part))
    return rates


def best_batch(makers: Mapping[int, Contender], part: Slice) -> int:
    """The batch size whose contender is fastest on `part`, after each has had it once."""
    for contender in makers.values():
        contender(part)
    return min(makers, key=lambda size: seconds(makers[size], part))


def seconds(contender: Contender, part: Slice) -> float:
    start = time.perf_counter()
    contender(part)
    return time.perf_counter() - start
