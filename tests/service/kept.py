"""Rows of the store for its tests: synthetic messages with labels as they are asked for."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from pipeline.records import Decision, Prediction, Scored
from pipeline.service.store import customers, messages
from pipeline.service.store.tables import Message

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TEXTS = {
    "ar": "خصمتوا المبلغ مرتين ومحد رد علي، والله تعبت",
    "fa": "مبلغ دو بار از حسابم کم شده و کسی جواب نمی‌دهد",
    "en": "I was charged twice and nobody answers me",
}


def days(count: float) -> timedelta:
    return timedelta(days=count)


def prediction(label: str, confidence: float, *others: str) -> Prediction:
    """The rest of the probability is shared by the other labels."""
    rest = (1 - confidence) / len(others) if others else 0.0
    return Prediction(label, confidence, {label: confidence, **dict.fromkeys(others, rest)})


def scored(
    *, language: str = "en", sentiment: str | None = "negative", confidence: float = 0.9, churn: float = 0.05
) -> Scored:
    polarity = {"negative": -confidence, "positive": confidence}.get(sentiment or "", 0.0)
    left = [label for label in ("negative", "neutral", "positive") if label != sentiment]
    return Scored(
        language=language,
        domain="support",
        category=prediction("billing", confidence, "inquiry"),
        topic=prediction("charge", confidence, "refund"),
        sentiment=prediction(sentiment, confidence, *left) if sentiment else None,
        sentiment_score=polarity if sentiment else None,
        emotion=prediction("anger", 0.8, "none"),
        urgency=prediction("high", 0.7, "low"),
        churn=Prediction("yes" if churn >= 0.5 else "no", max(churn, 1 - churn), {"yes": churn, "no": 1 - churn}),
        decision=Decision("billing", "high", 120, "money at stake", ("charge",)),
        review=(),
        flags=(),
        model="tiny@12345678",
    )


def row(id: str, customer: str | None = None, *, at: datetime = NOW, **changes: Any) -> Message:
    """A message as the service keeps it; `said` is its `Scored`."""
    said: Scored = changes.pop("said", None) or scored()
    values: dict[str, Any] = {
        "id": id, "customer_id": customer, "ticket": "", "time": at, "channel": "email", "text": TEXTS["en"],
        "language": said.language, "category": said.category.label, "topic": said.topic.label,
        "sentiment": said.sentiment.label if said.sentiment else None, "queue": said.decision.queue,
        "uncertainty": 1 - said.category.confidence, "review": list(said.review), "model": said.model,
        "scored": asdict(said), "outcome": {}, "source": "api", "created_at": at,
    }  # fmt: skip
    return Message(**(values | changes))


def keep(session: Session, *rows: Message) -> None:
    for each in rows:
        if each.customer_id is not None:
            customers.ensure_all(session, [each.customer_id], now=each.created_at)
        messages.add(session, each)
