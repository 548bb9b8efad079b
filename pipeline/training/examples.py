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


@dataclass(frozen=True, slots=True)
class Example:
    """One prepared row; a label is None where its source does not speak of that task.

    `own`: labelled by our own guide. `intent`: the source's own fine-grained label, behind the set it belongs to.
    """

    id: str
    source: str
    origin: str
    lang: str
    dialect: str | None
    text: str
    split: str
    train_ok: bool
    own: bool
    intent: str | None
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
        if example.own:
            own.append(example)
        else:
            groups.setdefault((example.source, example.lang, label), []).append(example)
    rng = random.Random(f"{seed}-{task}")
    drawn = [rng.sample(group, min(per_group, len(group))) for _, group in sorted(groups.items())]
    return own + [example for group in drawn for example in group]


def training_draw(examples: Sequence[Example], *, per_group: int, seed: int) -> dict[str, list[Example]]:
    """The examples of each task."""
    return {task: balanced(examples, task, per_group=per_group, seed=seed) for task in TASKS}


def draw_groups(examples: Sequence[Example], *, per_group: int, seed: int) -> list[Example]:
    """Every own train row, and at most `per_group` of each source, language and label of the rest, of all tasks."""
    found = {task: balanced(examples, task, per_group=per_group, seed=seed) for task in TASKS}
    return list({(row.source, row.id): row for rows in found.values() for row in rows}.values())


def own_dev(examples: Iterable[Example]) -> list[Example]:
    """What settings, temperatures and thresholds are chosen by: dev rows labelled by our own guide."""
    return [example for example in examples if example.split == "dev" and example.own and example.train_ok]


def evaluation_draw(examples: Sequence[Example], split: str, *, per_group: int, seed: int) -> list[Example]:
    """Every gold row of a split, and at most `per_group` rows of each other source and language."""
    groups: dict[tuple[str, str], list[Example]] = {}
    for example in examples:
        if example.split == split and not example.own:
            groups.setdefault((example.source, example.lang), []).append(example)
    rng = random.Random(f"{seed}-{split}")
    drawn = [rng.sample(group, min(per_group, len(group))) for _, group in sorted(groups.items())]
    own = [example for example in examples if example.split == split and example.own]
    return own + [example for group in drawn for example in group]
