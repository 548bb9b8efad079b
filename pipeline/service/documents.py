"""The records as plain documents: what `schemas` describes, made without validating it once more."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from pipeline.explain import Explanation, Part
from pipeline.explain.view import deciding
from pipeline.records import Decision, Prediction, Scored

SCORED = tuple(entry.name for entry in fields(Scored))
PREDICTED = ("category", "topic", "sentiment", "emotion", "urgency", "churn")
DECIDED = tuple(entry.name for entry in fields(Decision))


def document(scored: Scored) -> dict[str, Any]:
    """Everything of `Scored`; of a model that gives every message one topic, `topics` is that one."""
    found = {name: getattr(scored, name) for name in SCORED}
    found["topics"] = (scored.topic.label,) if scored.topics is None else scored.topics
    found |= {task: _prediction(found[task]) for task in PREDICTED}
    found["decision"] = {name: getattr(scored.decision, name) for name in DECIDED}
    return found


def explained(explanation: Explanation) -> dict[str, Any]:
    """The words that decided, the weightiest for the label first, and the sentence: by their places in the text alone,
    so that the document may be kept where the text may not."""
    return {
        "task": explanation.task,
        "label": explanation.prediction.label,
        "words": [_part(part) for part in deciding(explanation.words)],
        "sentence": _part(explanation.sentence) if explanation.sentence else None,
    }


def _prediction(found: Prediction | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"label": found.label, "confidence": found.confidence, "probabilities": dict(found.probabilities)}


def _part(part: Part) -> dict[str, Any]:
    return {"start": part.start, "end": part.end, "weight": part.weight}
