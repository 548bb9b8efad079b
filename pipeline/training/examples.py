"""Prepared rows -> examples, and the balanced draw that the heads learn from."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InputError
from pipeline.taxonomy import TASKS

OWN = ("gold", "authored")  # labelled by our own guide; every row of them is used


@dataclass(frozen=True, slots=True)
class Example:
    """One prepared row; a label is None where its source does not speak of that task."""

    id: str
    source: str
    origin: str
    lang: str
    dialect: str | None
    text: str
    split: str
    train_ok: bool
    topic: str | None
    sentiment: str | None
    emotion: str | None
    urgency: str | None
    churn: str | None

    def label(self, task: str) -> str | None:
        value: str | None = getattr(self, task)
        return value


def load_examples(folder: Path) -> list[Example]:
    """`rows.jsonl.gz` of a folder that `nabd data` finished. Raises InputError when it did not."""
    if not (folder / "report.json").exists():
        raise InputError(f"{folder} holds no prepared data (no report.json); run `nabd data` first")
    with gzip.open(folder / "rows.jsonl.gz", "rt", encoding="utf-8") as file:
        return [Example(**{name: row[name] for name in Example.__slots__}) for row in map(json.loads, file)]


def balanced(examples: Iterable[Example], task: str, *, per_group: int, seed: int) -> list[Example]:
    """Every own example with a label, and at most `per_group` of each source, language and label of the rest."""
    groups: dict[tuple[str, str, str], list[Example]] = {}
    own: list[Example] = []
    for example in examples:
        label = example.label(task)
        if example.split != "train" or not example.train_ok or label is None:
            continue
        if example.source in OWN:
            own.append(example)
        else:
            groups.setdefault((example.source, example.lang, label), []).append(example)
    rng = random.Random(f"{seed}-{task}")
    drawn = [rng.sample(group, min(per_group, len(group))) for _, group in sorted(groups.items())]
    return own + [example for group in drawn for example in group]


def training_draw(examples: Sequence[Example], *, per_group: int, seed: int) -> dict[str, list[Example]]:
    """The examples of each task."""
    return {task: balanced(examples, task, per_group=per_group, seed=seed) for task in TASKS}


def evaluation_draw(examples: Iterable[Example], split: str, *, per_group: int, seed: int) -> list[Example]:
    """Every gold row of a split, and at most `per_group` rows of each other source and language."""
    groups: dict[tuple[str, str], list[Example]] = {}
    for example in examples:
        if example.split == split:
            groups.setdefault((example.source, example.lang), []).append(example)
    rng = random.Random(f"{seed}-{split}")
    chosen = []
    for (source, _), group in sorted(groups.items()):
        chosen += group if source in OWN else rng.sample(group, min(per_group, len(group)))
    return chosen
