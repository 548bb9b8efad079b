"""One encoder, many heads: what the network says of each task, and how wrong that is of the rows that have a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy, log_softmax

from pipeline.taxonomy import DEFAULT, Taxonomy
from pipeline.training.draw import Labels, label_of
from pipeline.training.examples import Example
from pipeline.training.export import MeanPooled

LabelWeights = Mapping[str, NDArray[np.float32]]

SMOOTHING = 0.05  # of the labels
WEIGHTS = {"topic": 1.0, "category": 0.5, "sentiment": 1.0, "emotion": 0.7, "urgency": 0.5, "churn": 0.5}


class Tuned(torch.nn.Module):
    """The pooled encoder and one linear head a task, all of them in one matrix (d, labels of all tasks)."""

    def __init__(self, encoder: MeanPooled, labels: Labels) -> None:
        super().__init__()
        self.pooled = encoder
        self.labels = labels
        self.eval()  # without dropout, which would cost time
        self.heads = torch.nn.Linear(encoder.width, sum(map(len, labels.values())))

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        return self.say(self.pooled(ids, mask))

    def say(self, vectors: torch.Tensor) -> dict[str, torch.Tensor]:
        """(n, d) -> (n, labels) a task."""
        parts = self.heads(vectors).split([len(labels) for labels in self.labels.values()], dim=1)
        return dict(zip(self.labels, parts, strict=True))


def multitask_loss(
    logits: Mapping[str, torch.Tensor], rows: Sequence[Example], labels: Labels, weights: LabelWeights,
    *, table: Taxonomy = DEFAULT,
) -> torch.Tensor:  # fmt: skip
    """Cross-entropy of every label there is, and of the category that a topic belongs to; the sum over rows, by row."""
    total = torch.zeros(())
    for task, names in labels.items():
        index = {name: column for column, name in enumerate(names)}
        truth = torch.tensor([index.get(str(label_of(row, task)), -100) for row in rows])
        if not (truth >= 0).any():
            continue
        weight = torch.from_numpy(weights[task])
        found = cross_entropy(logits[task], truth, weight=weight, label_smoothing=SMOOTHING, reduction="sum")
        total = total + WEIGHTS.get(task, 1.0) * found
        if task == "topic":
            kept = truth >= 0
            spread, categories = category_log_probabilities(logits[task][kept], table), _categories(table)[truth[kept]]
            total = total - WEIGHTS["category"] * spread.gather(1, categories[:, None]).sum()
    return total / len(rows)


def category_log_probabilities(topics: torch.Tensor, table: Taxonomy = DEFAULT) -> torch.Tensor:
    """Topic logits (n, topics) -> (n, categories); a category is as probable as its topics together."""
    members = _categories(table)[None, :] == torch.arange(len(table.category_ids))[:, None]
    spread = log_softmax(topics, dim=1)[:, None, :].masked_fill(~members[None], -torch.inf)
    return spread.logsumexp(dim=2)


@cache
def _categories(table: Taxonomy) -> torch.Tensor:
    """(topics,): the category's column of each topic."""
    return torch.tensor([table.category_ids.index(table.category_of[topic]) for topic in table.topic_ids])


def pad(windows: Sequence[Sequence[int]], pad_id: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and mask, (n, longest) each."""
    longest = max(map(len, windows))
    ids = torch.tensor([[*window, *[pad_id] * (longest - len(window))] for window in windows])
    return ids, (torch.arange(longest)[None] < torch.tensor([len(window) for window in windows])[:, None]).long()
