"""What flows through the house: frozen records, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One readable row of an input file: `number` counts from 1 and leaves headers out."""

    number: int
    values: Values


@dataclass(frozen=True, slots=True)
class Reject:
    """One row that could not be read or scored; it goes to the rejects file, never to the log.

    `values` is whatever could be read of it, so that nothing is lost.
    """

    number: int
    reason: str
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """One inbound customer message; `columns` are the input row's other values, for routing."""

    text: str
    columns: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prediction:
    """The most probable label of one task; `probabilities` are calibrated and sum to 1."""

    label: str
    confidence: float
    probabilities: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a message goes; `reason` names the rule that matched and what it matched on."""

    queue: str
    priority: str
    sla_minutes: int
    reason: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """Everything Nabd says of one message.

    `sentiment_score` is P(positive) - P(negative), in [-1, 1]. `sentiment` and `sentiment_score` are
    None when the message is out of scope: there is no company to feel about. `review` holds
    the reasons to hand the message to a person; empty means the decision stands on its own.
    """

    language: str
    domain: str
    category: Prediction
    topic: Prediction
    sentiment: Prediction | None
    sentiment_score: float | None
    emotion: Prediction
    urgency: Prediction
    churn: Prediction
    decision: Decision
    review: tuple[str, ...]
    flags: tuple[str, ...]
    model: str
