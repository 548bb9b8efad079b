"""The `nabd_*` columns: what a scored file says of each message."""

from __future__ import annotations

import re
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
_PAIR = re.compile(r"(?P<topic>.+?):(?P<value>[01]\.\d\d)(?:;|$)")  # a label of the user's own may hold ; and :
LEAST = 0.01  # a less probable topic is not listed in `nabd_topics`


def cells(scored: Scored) -> dict[str, Any]:
    """One value a column of `COLUMNS`, in their order; several tags, reasons or flags are joined by `;`."""
    values = (
        scored.language,
        scored.domain,
        *_label(scored.category),
        *_label(scored.topic),
        _listed(listed_topics(scored)),
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


def listed_topics(scored: Scored) -> dict[str, float]:
    """Topic -> probability, of those that `nabd_topics` lists: of at least `LEAST`; of several topics, those it has."""
    having = scored.topic.probabilities
    if scored.topics is not None:
        return {topic: having[topic] for topic in scored.topics}
    return {topic: value for topic, value in having.items() if value >= LEAST}


def read_topics(cell: str) -> dict[str, float]:
    """What `nabd_topics` lists: topic -> probability, rounded to 0.01, the most probable first.

    Raises InputError for a cell that was altered.
    """
    pairs = [(match["topic"], float(match["value"])) for match in _PAIR.finditer(cell)]
    if ";".join(f"{topic}:{value:.2f}" for topic, value in pairs) != cell:
        raise InputError("a cell of nabd_topics was altered, expected such as refund:0.61; score the file again")
    return dict(pairs)


def _listed(probabilities: Mapping[str, float]) -> str:
    """The most probable first, as in "refund:0.61;charge:0.22"."""
    ranked = sorted(probabilities.items(), key=lambda pair: -pair[1])
    return ";".join(f"{topic}:{value:.2f}" for topic, value in ranked)


def _label(prediction: Prediction | None) -> tuple[str | None, float | None]:
    return (None, None) if prediction is None else (prediction.label, round(prediction.confidence, 4))
