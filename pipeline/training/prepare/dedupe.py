"""One message, one row: equal texts are found across all sources and tasks, and the first in rank stays."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache

from pipeline.normalise import normalise
from pipeline.training.prepare.example import ACROSS, CONFLICT, HELD_OUT, WITHIN, Example, Tally

HELD_RANK = {"test": 0, "dev": 1}
GOLD = "gold"


class _Fold(dict[int, int | None]):
    """For `str.translate`: removes punctuation, separators, controls and variation selectors; keeps emoji."""

    def __missing__(self, code: int) -> int | None:
        drop = unicodedata.category(chr(code))[0] in "PZC" or 0xFE00 <= code <= 0xFE0F
        self[code] = None if drop else code
        return self[code]


@cache
def _table() -> _Fold:
    return _Fold()


def fold(text: str) -> str:
    """What two copies of a message share: no case, punctuation, space, link or @handle.

    A text of punctuation alone folds to its normalised self, one of links and handles to nothing.
    """
    plain = normalise(text)
    return plain.casefold().translate(_table()) or plain


def text_key(text: str) -> bytes:
    """A digest of the folded text, 16 bytes; empty when the text folds to nothing."""
    folded = fold(text).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(folded, digest_size=16).digest() if folded else b""


def deduplicate(examples: Iterable[Example], ranks: Mapping[str, int], tally: Tally) -> list[Example]:
    """Keeps the order. Precedence: gold test, gold dev, public test, public dev, then train by `ranks` of the sources.

    A held-out text is taken out of every train split. Train rows of one text that disagree on a task all go.
    """
    examples = list(examples)
    groups: dict[bytes, list[int]] = defaultdict(list)
    for position, example in enumerate(examples):
        groups[example.key].append(position)
    kept: list[int] = []
    for positions in groups.values():
        if len(positions) == 1:
            kept += positions
            continue
        positions.sort(key=lambda position: (_rank(examples[position], ranks), position))
        kept += _judge(examples, positions, tally)
    return [examples[position] for position in sorted(kept)]


def _judge(examples: list[Example], ranked: list[int], tally: Tally) -> list[int]:
    """The row of a group that stays, or none when it is for training and others contradict it."""
    first = examples[ranked[0]]
    rivals = {position for position in ranked[1:] if _disagree(first, examples[position])}
    for position in ranked[1:]:
        example = examples[position]
        tally.drop(example.source, _reason(example, first, position in rivals))
    if first.split == "train" and any(examples[position].train_ok >= first.train_ok for position in rivals):
        tally.drop(first.source, CONFLICT)
        return []
    return ranked[:1]


def _reason(example: Example, first: Example, contradicts: bool) -> str:
    if example.split == "train" and first.split != "train":
        return HELD_OUT
    if contradicts:
        return CONFLICT
    return WITHIN if example.source == first.source else ACROSS


def _disagree(one: Example, other: Example) -> bool:
    return any(a is not None and b is not None and a != b for a, b in zip(one.labels, other.labels, strict=True))


def _rank(example: Example, ranks: Mapping[str, int]) -> tuple[bool, bool, int, int]:
    """Train rows that may train come before those that may not, so that a freely licensed copy is the one kept."""
    train = example.split == "train"
    behind = not example.train_ok if train else example.source != GOLD
    return train, behind, HELD_RANK.get(example.split, 2), ranks[example.source]
