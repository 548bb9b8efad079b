"""Rows of the store as documents: a customer, a message of a timeline, a page of each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from pipeline.service.schemas import Answer
from pipeline.service.store.tables import Customer, Message
from pipeline.taxonomy import LEAVES


class DriverOut(Answer):
    name: str
    share: float = Field(description="of all that raises the risk, in [0, 1]")
    evidence: list[str] = Field(description="the ids of the messages behind it")


class CustomerOut(Answer):
    id: str
    risk: float = Field(description="how near the customer is to leaving, in [0, 100)")
    band: str
    trend: str
    drivers: list[DriverOut]
    value: float | None = Field(description="the latest yearly revenue")
    last_contact: datetime | None
    left_at: datetime | None
    judged_at: datetime | None
    created_at: datetime


class LabelsOut(Answer):
    domain: str
    category: str
    topic: str
    sentiment: str | None
    emotion: str
    urgency: str
    churn: float = Field(description="the probability that the message is of a customer who leaves")


class StoredOut(Answer):
    id: str
    customer: str | None
    ticket: str
    time: datetime
    channel: str
    text: str | None = Field(description="masked unless `store_text` says otherwise; null where none is kept")
    language: str
    labels: LabelsOut
    corrected: dict[str, str] = Field(description="what people said instead or confirmed, by task")
    sentiment_score: float | None
    queue: str
    priority: str
    sla_minutes: int
    review: list[str]
    reviewed: bool
    flags: list[str]
    model: str
    source: str


class CustomerPage(Answer):
    items: list[CustomerOut]
    next: str | None


class Timeline(Answer):
    items: list[StoredOut] = Field(description="the newest first")
    next: str | None


class CustomerDetail(CustomerOut):
    timeline: Timeline


def customer(row: Customer) -> dict[str, Any]:
    """The document of `CustomerOut`; drivers by share, the largest first."""
    drivers = [{"name": name, **each} for name, each in row.drivers.items()]
    return {
        "id": row.id, "risk": round(row.risk, 2), "band": row.band, "trend": row.trend,
        "drivers": sorted(drivers, key=lambda each: (-each["share"], each["name"])), "value": row.value,
        "last_contact": row.last_contact, "left_at": row.left_at, "judged_at": row.judged_at,
        "created_at": row.created_at,
    }  # fmt: skip


def message(row: Message, corrected: Mapping[str, str]) -> dict[str, Any]:
    """The document of `StoredOut`."""
    scored = row.scored
    labels = {
        "domain": scored["domain"], "category": row.category, "topic": row.topic, "sentiment": row.sentiment,
        "emotion": scored["emotion"]["label"], "urgency": scored["urgency"]["label"],
        "churn": scored["churn"]["probabilities"].get(LEAVES, 0.0),
    }  # fmt: skip
    return {
        "id": row.id, "customer": row.customer_id, "ticket": row.ticket, "time": row.time, "channel": row.channel,
        "text": row.text, "language": row.language, "labels": labels, "corrected": dict(corrected),
        "sentiment_score": scored["sentiment_score"], "queue": row.queue, "priority": scored["decision"]["priority"],
        "sla_minutes": scored["decision"]["sla_minutes"], "review": list(row.review), "reviewed": row.reviewed,
        "flags": list(scored["flags"]), "model": row.model, "source": row.source,
    }  # fmt: skip
