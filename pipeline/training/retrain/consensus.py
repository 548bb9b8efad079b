"""What people agree on of a message: the last word of each, and the label that more than half of them give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.records import Annotation


@dataclass(frozen=True, slots=True)
class Consensus:
    """`agreement`, in (0.5, 1], of `people` give `label`; `said` is what the model had said last."""

    label: str
    agreement: float
    people: int
    said: str

    @property
    def is_correction(self) -> bool:
        return self.label != self.said


def last_words(given: Iterable[Annotation]) -> list[Annotation]:
    """Without what the same person replaced by a later label of the same message and task; the earliest first."""
    latest: dict[tuple[str, str, str], Annotation] = {}
    for each in sorted(given, key=lambda annotation: annotation.at):
        latest[each.message, each.task, each.annotator] = each
    return sorted(latest.values(), key=lambda annotation: annotation.at)


def consensus(words: Sequence[Annotation]) -> Consensus | None:
    """Of the last words on one message and task, one a person; None where no label has more than half of them."""
    (label, votes), *_ = Counter(each.label for each in words).most_common(1)
    if 2 * votes <= len(words):
        return None
    return Consensus(label, votes / len(words), len(words), words[-1].said)


def votes(words: Iterable[Annotation]) -> str:
    """`refund 1, leaving 1`: the labels and how many people give each."""
    return ", ".join(f"{label} {count}" for label, count in Counter(each.label for each in words).most_common())
