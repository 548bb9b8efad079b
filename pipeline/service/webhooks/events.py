"""The events that go out: a customer at risk, a message escalated. No message text is in them.

An event is one row for each receiver, which the row names by a digest of its URL: URLs come from the settings alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

from pipeline.risk.fold import BANDS
from pipeline.service.store.tables import Customer, Message, Outgoing

AT_RISK, MESSAGE_ESCALATED = "customer.at_risk", "message.escalated"
ESCALATED = "urgent"  # the priority that escalates
ALARMING = ("high", "critical")
FRESH = timedelta(days=1)  # an older message comes from an archive: nobody is to be called for it


def rises(before: str | None, after: str) -> bool:
    """Whether the band rose to an alarming one; None is a customer who had no band yet."""
    return after in ALARMING and (before is None or before not in BANDS or BANDS.index(before) < BANDS.index(after))


def escalates(message: Message, now: datetime) -> bool:
    """Whether someone is to be told of the message at once."""
    return bool(message.scored["decision"]["priority"] == ESCALATED) and now - message.time <= FRESH


def at_risk(customer: Customer, before: str | None, urls: Sequence[str], now: datetime) -> list[Outgoing]:
    """`customer` is judged already; `before` is the band that it had."""
    data = {
        "customer": customer.id, "risk": round(customer.risk, 1), "band": customer.band, "previous_band": before,
        "trend": customer.trend, "drivers": customer.drivers, "value": customer.value,
    }  # fmt: skip
    return _rows(AT_RISK, customer.id, data, urls, now)


def escalated(message: Message, urls: Sequence[str], now: datetime) -> list[Outgoing]:
    decision = message.scored["decision"]
    data = {
        "message": message.id, "customer": message.customer_id, "ticket": message.ticket, "channel": message.channel,
        "time": message.time.isoformat(), "language": message.language, "category": message.category,
        "topic": message.topic, "sentiment": message.sentiment, "queue": decision["queue"],
        "priority": decision["priority"], "sla_minutes": decision["sla_minutes"], "tags": list(decision["tags"]),
    }  # fmt: skip
    return _rows(MESSAGE_ESCALATED, message.customer_id, data, urls, now)


def receiver(url: str) -> str:
    """By what name a row calls a URL."""
    return sha256(url.encode()).hexdigest()[:16]


def _rows(name: str, customer: str | None, data: dict[str, Any], urls: Sequence[str], now: datetime) -> list[Outgoing]:
    """`body["event"]` is that of Standard Webhooks: type, timestamp and data."""
    event = {"type": name, "timestamp": now.isoformat(), "data": data}
    return [
        Outgoing(
            id=str(uuid4()), event=name, customer_id=customer, state="waiting", attempts=0, error="",
            body={"to": receiver(url), "event": event}, created_at=now, next_at=now,
        )
        for url in urls
    ]  # fmt: skip
