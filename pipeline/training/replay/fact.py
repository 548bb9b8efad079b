"""What is kept of one message of a replay: a few cells of its row, what each model said, and nothing of its text."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from pipeline.bundle import Bundle
from pipeline.columns import Roles
from pipeline.judging import KINDS
from pipeline.output import cells, listed_topics
from pipeline.records import Row, Scored
from pipeline.route import Rule
from pipeline.routing.facts import Router, facts
from pipeline.routing.trial import Routed, probability_right

KEPT = (
    "nabd_category", "nabd_topic", "nabd_sentiment", "nabd_emotion", "nabd_urgency", "nabd_churn", "nabd_queue",
    "nabd_priority", "nabd_sentiment_confidence", "nabd_sentiment_score", "nabd_emotion_confidence",
    "nabd_churn_probability",
)  # fmt: skip


@dataclass(frozen=True)
class Model:
    """A model of the replay with the routes that it would serve by."""

    bundle: Bundle
    rules: Sequence[Rule]

    @cached_property
    def router(self) -> Router:
        return Router(self.rules)


@dataclass(frozen=True, slots=True)
class Said:
    """One model's answer: the values of `KEPT`, and what its routes make of it; `right` as in `Routed`."""

    values: tuple[Any, ...]
    sla_minutes: int
    right: float
    review: bool

    def __getitem__(self, kind: str) -> str:
        """A label, the queue or the priority; "" for the sentiment of a message out of scope."""
        return self.values[KEPT.index(f"nabd_{kind}")] or ""

    def cells(self) -> dict[str, Any]:
        return dict(zip(KEPT, self.values, strict=True))

    def routed(self, time: datetime | None) -> Routed:
        return Routed(self["queue"], self.sla_minutes, time, right=self.right, review=self.review)


@dataclass(frozen=True, slots=True)
class Fact:
    """`values` are the row's cells of customer, time, id, ticket and what the desk recorded."""

    number: int
    language: str
    values: Mapping[str, Any]
    old: Said
    new: Said

    def changes(self) -> Iterator[tuple[str, str, str]]:
        """(kind, before, after) of all that the two say differently, the gravest kind first."""
        for kind in KINDS:
            if self.old[kind] != self.new[kind]:
                yield kind, self.old[kind], self.new[kind]


def said(scored: Scored, row: Row, roles: Roles, model: Model) -> Said:
    """As it would stand in a scored file."""
    shown = cells(scored)
    known = facts(Row(row.number, {**row.values, **shown}), roles)
    right = probability_right(known, listed_topics(scored), model.router, model.bundle.taxonomy)
    kept = tuple(sys.intern(value) if isinstance(value := shown[name], str) else value for name in KEPT)
    return Said(kept, scored.decision.sla_minutes, right, bool(scored.review))
