"""The `nabd_*` columns: what a scored file says of each message."""

from __future__ import annotations

from typing import Any

from pipeline.records import Prediction, Scored
from pipeline.taxonomy import LEAVES

TYPES = {
    "nabd_language": "string",
    "nabd_domain": "string",
    "nabd_category": "string",
    "nabd_category_confidence": "float",
    "nabd_topic": "string",
    "nabd_topic_confidence": "float",
    "nabd_sentiment": "string",
    "nabd_sentiment_confidence": "float",
    "nabd_sentiment_score": "float",
    "nabd_emotion": "string",
    "nabd_emotion_confidence": "float",
    "nabd_urgency": "string",
    "nabd_urgency_confidence": "float",
    "nabd_churn": "string",
    "nabd_churn_probability": "float",
    "nabd_queue": "string",
    "nabd_priority": "string",
    "nabd_sla_minutes": "int",
    "nabd_route_reason": "string",
    "nabd_tags": "string",
    "nabd_review": "string",
    "nabd_flags": "string",
    "nabd_model": "string",
}
COLUMNS = tuple(TYPES)


def cells(scored: Scored) -> dict[str, Any]:
    """One value a column of `COLUMNS`, in their order; several tags, reasons or flags are joined by `;`."""
    decision = scored.decision
    values = (
        scored.language,
        scored.domain,
        *_label(scored.category),
        *_label(scored.topic),
        *_label(scored.sentiment),
        None if scored.sentiment_score is None else round(scored.sentiment_score, 4),
        *_label(scored.emotion),
        *_label(scored.urgency),
        scored.churn.label,
        round(scored.churn.probabilities[LEAVES], 4),
        decision.queue,
        decision.priority,
        decision.sla_minutes,
        decision.reason,
        ";".join(decision.tags),
        ";".join(scored.review),
        ";".join(scored.flags),
        scored.model,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _label(prediction: Prediction | None) -> tuple[str | None, float | None]:
    return (None, None) if prediction is None else (prediction.label, round(prediction.confidence, 4))
