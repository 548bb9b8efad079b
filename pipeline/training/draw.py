"""Which rows a phase of fine-tuning reads, and what each label is worth."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.taxonomy import DEFAULT, TASKS, Taxonomy
from pipeline.training.examples import Example

RARE = 0.25  # a label's loss counts by its share of the draws to the power of -RARE
FLATTEN = 0.5  # rows of a group of n are drawn as if there were n ** FLATTEN
CHUNK_ROWS = 1536

Labels = dict[str, tuple[str, ...]]


def label_spaces(examples: Sequence[Example], table: Taxonomy = DEFAULT) -> Labels:
    """The labels of our tasks by `table`, and those of each set of intents, in a fixed order."""
    intents = sorted({example.intent for example in examples if example.intent and example.split == "train"})
    sets = sorted({intent.partition("/")[0] for intent in intents})
    own = {task: table.labels(task) for task in TASKS}
    return own | {name: tuple(i for i in intents if i.startswith(f"{name}/")) for name in sets}


def label_of(example: Example, task: str) -> str | None:
    """Of one of our tasks, or of a set of intents."""
    if task in TASKS:
        return example.label(task)
    return example.intent if example.intent and example.intent.startswith(f"{task}/") else None


@dataclass(frozen=True, slots=True)
class Phase:
    """`passes` row passes; the share of each kind of row among them sums to 1."""

    name: str
    passes: int
    shares: Mapping[str, float]


class Draw:
    """Rows of one phase: first the kind by its share, then the row, those of large groups less often."""

    def __init__(self, examples: Sequence[Example], phase: Phase, labels: Labels) -> None:
        self.examples = [example for example in examples if example.split == "train" and example.train_ok]
        groups = Counter(map(_group, self.examples))
        worth = np.array([groups[_group(example)] ** (FLATTEN - 1) for example in self.examples])
        kinds = np.array([_kind(example) for example in self.examples])
        for kind, share in phase.shares.items():
            worth[kinds == kind] *= share / max(worth[kinds == kind].sum(), 1e-12)
        self.chances = worth / worth.sum()
        self.labels = labels

    def chunk(self, rng: random.Random) -> list[Example]:
        return rng.choices(self.examples, weights=self.chances.tolist(), k=CHUNK_ROWS)

    def label_weights(self) -> dict[str, NDArray[np.float32]]:
        """Of each task (labels,): the share among the draws to the power of -RARE, 1 on average over the draws."""
        return {task: self._weights(task, names) for task, names in self.labels.items()}

    def _weights(self, task: str, labels: Sequence[str]) -> NDArray[np.float32]:
        shares: Counter[str | None] = Counter()
        for example, chance in zip(self.examples, self.chances, strict=True):
            shares[label_of(example, task)] += chance
        found = np.array([shares[label] for label in labels])
        weights = np.maximum(found, found.sum() / 1000 + 1e-12) ** -RARE
        return np.asarray(weights * found.sum() / max((weights * found).sum(), 1e-12), np.float32)


def _group(example: Example) -> tuple[str, str, str]:
    label = example.intent or next((example.label(task) for task in TASKS if example.label(task)), "")
    return example.source, example.lang, str(label)


def _kind(example: Example) -> str:
    return "own" if example.own else "intents" if example.intent else "mapped"
