"""A kept message as a contact of its customer's history, with what people said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pipeline.records import Contact, Outcome
from pipeline.service.store.tables import Feedback, Message
from pipeline.taxonomy import ANGER, LEAVES, NEGATIVE, POSITIVE

LEFT, STAYED = "left", "stayed"  # tasks of feedback on a customer


def contact(row: Message, number: int) -> Contact:
    """`number` is its place in the history, from 1."""
    scored = row.scored
    sentiment = scored.get("sentiment") or {"label": "", "probabilities": {}}
    negative, positive = (float(sentiment["probabilities"].get(label, 0.0)) for label in (NEGATIVE, POSITIVE))
    emotion, decision = scored["emotion"], scored["decision"]
    return Contact(
        number=number,
        id=row.id,
        time=row.time,
        customer=row.customer_id or "",
        ticket=row.ticket or row.id,
        text=row.text or "",
        channel=row.channel,
        language=row.language,
        domain=scored["domain"],
        category=row.category,
        topic=row.topic,
        sentiment=sentiment["label"],
        polarity=positive - negative,
        negative=negative,
        positive=positive,
        emotion=emotion["label"],
        anger=emotion["confidence"] if emotion["label"] == ANGER else 0.0,
        urgency=scored["urgency"]["label"],
        churn=float(scored["churn"]["probabilities"].get(LEAVES, 0.0)),
        queue=row.queue,
        priority=decision["priority"],
        sla_minutes=decision["sla_minutes"],
        review=tuple(row.review),
        model=row.model,
        outcome=outcome(row.outcome),
    )


def outcome(document: Mapping[str, Any]) -> Outcome:
    """An `Outcome` from the document of it; a time without an offset is UTC."""
    known = {name: document.get(name) for name in Outcome.__dataclass_fields__}
    known["left"] = _moment(known["left"])
    return Outcome(**known)


def corrected(own: Contact, said: Mapping[str, str]) -> Contact:
    """With the labels that a person gave by task: what a person says is certain."""
    changes: dict[str, Any] = {task: said[task] for task in ("category", "topic", "urgency") if task in said}
    if label := said.get("sentiment"):
        negative, positive = float(label == NEGATIVE), float(label == POSITIVE)
        changes |= {"sentiment": label, "negative": negative, "positive": positive, "polarity": positive - negative}
    if label := said.get("emotion"):
        changes |= {"emotion": label, "anger": float(label == ANGER)}
    if label := said.get("churn"):
        changes["churn"] = float(label == LEAVES)
    return replace(own, **changes)


def with_word(contacts: Sequence[Contact], word: Feedback | None) -> list[Contact]:
    """With a person's last word on the customer: left on a day (its label, else the day it was said), or stayed.

    One who is said to have stayed may leave after that.
    """
    if word is None:
        return list(contacts)
    if word.task == LEFT:
        day = _moment(word.label) or word.created_at
        return [replace(each, outcome=replace(each.outcome, left=day)) for each in contacts]
    return [
        replace(each, outcome=replace(each.outcome, left=None))
        if each.outcome.left is not None and each.outcome.left <= word.created_at
        else each
        for each in contacts
    ]


def _moment(value: Any) -> datetime | None:
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
