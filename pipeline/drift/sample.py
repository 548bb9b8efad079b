"""What is compared: one message of each customer, without a word of it.

Messages of one customer are not independent, and the longer a file's period, the more of them each customer has. With
one message of each, drawn at random, the rows of a file are independent whatever its period, so that every test below
is exact (the draw of within-cluster resampling, Hoffman, Sen and Weinberg 2001, Biometrika 88:1121).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.calibrate import Floats
from pipeline.encoder import Vectors
from pipeline.records import Scored

Names = NDArray[np.str_]

LABELS = ("language", "category", "topic", "sentiment", "abstention")
NUMBERS = ("length", "vocabulary", "confidence")
UNITS = ("customer", "ticket", "message")
MOST, MOST_VECTORS = 20_000, 2_000
WIDTH = 64  # numbers kept of a vector
YES, NO = "yes", "no"


@dataclass(frozen=True)
class Sample:
    """n messages. A key that is missing in `labels` or `numbers` is not known; NaN is a number not known of a row.

    `labels` by name of `LABELS` (n,); `abstention` is yes or no. `numbers` by name of `NUMBERS` (n,): characters;
    the share, in [0, 1], of words that the encoder has no piece of their own for; the category's probability.
    `truth` (n,) is the category that a person gave, "" where none did. `vectors` (v, 64) are of some of the n.
    `unit`, of `UNITS`, is what one message was drawn of; `messages` is how many there were to draw from.
    """

    labels: Mapping[str, Names]
    numbers: Mapping[str, Floats] = field(default_factory=dict)
    vectors: Vectors | None = None
    truth: Names | None = None
    model: str = ""
    unit: str = "message"
    messages: int = 0
    synthetic: bool = False

    @property
    def size(self) -> int:
        return next((len(column) for column in (*self.labels.values(), *self.numbers.values())), 0)


def sample_of(scored: Sequence[Scored], vectors: Vectors, lengths: NDArray[np.int64]) -> Sample:
    """n messages that one model scored, each its own unit; their whole vectors (n, d) and lengths in characters."""
    return Sample(
        labels={
            "language": np.array([str(each.language) for each in scored]),
            "category": np.array([each.category.label for each in scored]),
            "topic": np.array([each.topic.label for each in scored]),
            "sentiment": np.array([each.sentiment.label if each.sentiment else "" for each in scored]),
            "abstention": np.array([YES if each.review else NO for each in scored]),
        },
        numbers={
            "length": lengths.astype(np.float64),
            "confidence": np.array([each.category.confidence for each in scored]),
        },
        vectors=reduced(vectors),
        model=scored[0].model,
        messages=len(scored),
    )


def reduced(vectors: Vectors) -> Vectors:
    """(v, d) -> (v, 64 or fewer), of length one first, each by the same fixed random signs.

    A random projection keeps distances (Achlioptas 2003, "Database-friendly random projections") and, unlike principal
    components of one side, favours neither side of a comparison. It also keeps less to restore a text from than a
    whole vector, from which much of it can be (Morris et al. 2023, arXiv:2310.06816).
    """
    points = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    if vectors.shape[1] <= WIDTH:
        return np.asarray(points, np.float32)
    # RandomState: its stream is frozen, so that references of any version of NumPy lie in one space
    signs = np.random.RandomState(0).randint(2, size=(vectors.shape[1], WIDTH)) * 2 - 1
    return np.asarray(points @ (signs / np.sqrt(WIDTH)), np.float32)
