"""One row of a scored file as a contact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pipeline.columns import Roles
from pipeline.columns.cells import as_text
from pipeline.history.scales import number
from pipeline.records import Contact, Outcome, Row
from pipeline.taxonomy import ANGER, NEGATIVE, POSITIVE


def contact(row: Row, roles: Roles, moment: datetime, ticket: str, outcome: Outcome) -> Contact:
    """Probabilities are worked out from the columns of `nabd score`: the label, its confidence and the polarity."""
    cell = _Cells(row.values)
    sentiment, polarity = cell.text("nabd_sentiment"), cell.number("nabd_sentiment_score")
    negative, positive = shares(sentiment, cell.number("nabd_sentiment_confidence"), polarity)
    emotion = cell.text("nabd_emotion")
    return Contact(
        number=row.number,
        id=cell.text(roles.id) or f"row {row.number}",
        time=moment,
        customer=cell.text(roles.customer),
        ticket=ticket,
        text=cell.text(roles.text),
        evidence=cell.text("nabd_evidence"),
        channel=cell.text(roles.channel),
        language=cell.text("nabd_language"),
        domain=cell.text("nabd_domain"),
        category=cell.text("nabd_category"),
        topic=cell.text("nabd_topic"),
        sentiment=sentiment,
        polarity=polarity,
        negative=negative,
        positive=positive,
        emotion=emotion,
        anger=cell.number("nabd_emotion_confidence") if emotion == ANGER else 0.0,
        urgency=cell.text("nabd_urgency"),
        churn=cell.number("nabd_churn_probability"),
        queue=cell.text("nabd_queue"),
        priority=cell.text("nabd_priority"),
        sla_minutes=int(cell.number("nabd_sla_minutes")),
        review=tuple(part for part in cell.text("nabd_review").split(";") if part),
        model=cell.text("nabd_model"),
        outcome=outcome,
    )


def shares(label: str, confidence: float, polarity: float) -> tuple[float, float]:
    """P(negative) and P(positive) from the best label, its probability, and P(positive) - P(negative).

    The three probabilities sum to 1, so these determine them.
    """
    if not label:
        return 0.0, 0.0
    if label == NEGATIVE:
        negative = confidence
    elif label == POSITIVE:
        negative = confidence - polarity
    else:
        negative = (1 - confidence - polarity) / 2
    return _bounded(negative), _bounded(negative + polarity)


def _bounded(value: float) -> float:
    return min(1.0, max(0.0, value))


class _Cells:
    """The values of one row by column, None and blanks as nothing."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def text(self, column: str | None) -> str:
        return as_text(self._values.get(column)) if column else ""

    def number(self, column: str) -> float:
        value = self._values.get(column)
        return (number(value) or 0.0) if value is not None else 0.0
