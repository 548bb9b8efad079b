"""One training example, and the count of every row that did not become one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.taxonomy import TASKS

SPLITS = ("train", "dev", "test")

LANGUAGE = "unsupported language"
NO_COUNTERPART = "label has no counterpart"
AMBIGUOUS = "several emotions that disagree"
NO_LICENCE = "no stated licence"
EMPTY = "empty after cleaning"
HELD_OUT = "train text that a held-out split holds"
WITHIN = "duplicate within the source"
ACROSS = "duplicate of another source"
CONFLICT = "duplicate with a conflicting label"
REASONS = (LANGUAGE, NO_COUNTERPART, AMBIGUOUS, NO_LICENCE, EMPTY, HELD_OUT, WITHIN, ACROSS, CONFLICT)


@dataclass(frozen=True, slots=True)
class Example:
    """`labels` follow `TASKS`, None where the source has no counterpart; `origin` differs from `source` in gold.

    `own` says that a person labelled it by our own guide; `intent` is the source's own fine-grained label, behind the
    set it belongs to ("banking/card arrival"). `key` is a digest of the folded text: equal keys are the same message.
    """

    id: str
    source: str
    origin: str
    lang: str
    dialect: str | None
    domain: str | None
    text: str
    split: str
    train_ok: bool
    labels: tuple[str | None, ...]
    own: bool = False
    intent: str | None = None
    key: bytes = b""

    def to_dict(self) -> dict[str, Any]:
        """As a line of `rows.jsonl.gz`."""
        names = ("id", "source", "origin", "lang", "dialect", "domain", "text", "split", "train_ok", "own", "intent")
        return {name: getattr(self, name) for name in names} | dict(zip(TASKS, self.labels, strict=True))


@dataclass(slots=True)
class Tally:
    """Counts by source: rows read, rows dropped by reason."""

    read: Counter[str] = field(default_factory=Counter)
    dropped: dict[str, Counter[str]] = field(default_factory=dict)

    def drop(self, source: str, reason: str) -> None:
        self.dropped.setdefault(source, Counter())[reason] += 1

    def drops(self, source: str) -> Mapping[str, int]:
        """In the order of `REASONS`, without zeros."""
        counts = self.dropped.get(source, Counter())
        return {reason: counts[reason] for reason in REASONS if counts[reason]}
