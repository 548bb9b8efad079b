"""The `nabd_*` columns: what a scored file says of each message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.errors import InputError
from pipeline.records import Decision, Prediction, Scored
from pipeline.taxonomy import LEAVES

TYPES = {
    "nabd_language": "string",
    "nabd_domain": "string",
    "nabd_category": "string",
    "nabd_category_confidence": "float",
    "nabd_topic": "string",
    "nabd_topic_confidence": "float",
    "nabd_topics": "string",
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
EVIDENCE = "nabd_evidence"  # where it was asked for
LEAST = 0.01  # a less probable topic is not listed in `nabd_topics`


def cells(scored: Scored) -> dict[str, Any]:
    """One value a column of `COLUMNS`, in their order; several tags, reasons or flags are joined by `;`."""
    values = (
        scored.language,
        scored.domain,
        *_label(scored.category),
        *_label(scored.topic),
        _listed(scored.topic.probabilities),
        *_label(scored.sentiment),
        None if scored.sentiment_score is None else round(scored.sentiment_score, 4),
        *_label(scored.emotion),
        *_label(scored.urgency),
        scored.churn.label,
        round(scored.churn.probabilities[LEAVES], 4),
        *decision_cells(scored.decision).values(),
        ";".join(scored.review),
        ";".join(scored.flags),
        scored.model,
    )
    return dict(zip(COLUMNS, values, strict=True))


def decision_cells(decision: Decision) -> dict[str, Any]:
    """The columns that follow from the routes alone."""
    return {
        "nabd_queue": decision.queue,
        "nabd_priority": decision.priority,
        "nabd_sla_minutes": decision.sla_minutes,
        "nabd_route_reason": decision.reason,
        "nabd_tags": ";".join(decision.tags),
    }


def read_topics(cell: str) -> dict[str, float]:
    """What `nabd_topics` lists: topic -> probability, rounded to 0.01, the most probable first.

    Raises InputError for a cell that was altered.
    """
    pairs = (part.rpartition(":") for part in cell.split(";") if part)
    try:
        return {topic: float(probability) for topic, _, probability in pairs}
    except ValueError:
        raise InputError(
            "a cell of nabd_topics was altered, expected such as refund:0.61; score the file again"
        ) from None


def _listed(probabilities: Mapping[str, float]) -> str:
    """Every topic of at least `LEAST`, as in "refund:0.61;charge:0.22"."""
    ranked = sorted(probabilities.items(), key=lambda pair: -pair[1])
    return ";".join(f"{topic}:{value:.2f}" for topic, value in ranked if value >= LEAST)


def _label(prediction: Prediction | None) -> tuple[str | None, float | None]:
    return (None, None) if prediction is None else (prediction.label, round(prediction.confidence, 4))
