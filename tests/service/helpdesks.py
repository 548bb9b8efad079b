"""What helpdesks post, and how they sign it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import httpx2
from fastapi.testclient import TestClient

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SECRETS = {name: f"secret of {name}" for name in ("zendesk", "freshdesk", "chatwoot", "zammad")}
AR, FA, EN = "خصمتوا مني مرتين ومحد رد", "سفارشم نرسیده است", "my card was charged twice"


def zendesk(**comment: Any) -> dict[str, Any]:
    author = {"id": "8447", "is_staff": False, "name": "Lina", **comment.pop("author", {})}
    return {
        "type": "zen:event-type:ticket.comment_added",
        "id": "cbe4028c-7239-495d-b020-f22348516046",
        "account_id": 22129848,
        "time": "2026-11-20T08:59:30.672717030Z",
        "subject": "zen:ticket:5158",
        "detail": {
            "id": "5158", "subject": "Card", "requester_id": "8447", "via": {"channel": "email"}, "status": "OPEN",
        },
        "event": {"comment": {"id": "9001", "body": EN, "is_public": True, "author": author, **comment}, "meta": {}},
    }  # fmt: skip


def chatwoot(**changes: Any) -> dict[str, Any]:
    return {
        "event": "message_created", "id": 17, "content": FA, "created_at": "2026-11-20 08:59:00 UTC",
        "message_type": "incoming", "content_type": "text", "private": False,
        "sender": {"id": 3, "name": "نگار", "email": "negar@example.com", "type": "contact"},
        "conversation": {"id": 40, "channel": "Channel::Whatsapp", "status": "open"},
        "inbox": {"id": 1, "name": "support"}, "account": {"id": 1, "name": "desk"}, **changes,
    }  # fmt: skip


def zammad(**article: Any) -> dict[str, Any]:
    who = {"id": 8, "email": "sara@example.com", "login": "sara@example.com", "firstname": "سارة"}
    agent = {"id": 3, "email": "chris@example.com"}
    return {
        "ticket": {
            "id": 81, "number": "10081", "title": "بطاقة", "customer_id": 8, "customer": who, "state": "open",
            "created_at": "2026-11-20T08:00:00Z", "created_by": agent,
        },
        "article": {
            "id": 104, "ticket_id": 81, "body": f"<p>{AR}</p>", "content_type": "text/html", "internal": False,
            "sender": "Customer", "sender_id": 2, "type": "email", "type_id": 1, "origin_by_id": 8, "created_by": agent,
            "created_at": "2026-11-20T08:59:00Z", **article,
        },
    }  # fmt: skip


def freshdesk(**changes: Any) -> dict[str, Any]:
    ticket = {
        "ticket_id": 3, "ticket_subject": "Card", "ticket_description": f"<div>{EN}</div>", "ticket_source": "Portal",
        "ticket_requester_email": "omar@example.com", "triggered_event": "{ticket_action:created}", **changes,
    }  # fmt: skip
    return {"freshdesk_webhook": ticket}


def signed(provider: str, body: bytes, *, at: datetime = NOW, secret: str | None = None) -> dict[str, str]:
    """The headers as the provider's documentation says, worked out apart from the code under test."""
    key = (secret or SECRETS[provider]).encode()
    if provider == "zendesk":
        stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        digest = base64.b64encode(hmac.new(key, stamp.encode() + body, hashlib.sha256).digest()).decode()
        return {"X-Zendesk-Webhook-Signature": digest, "X-Zendesk-Webhook-Signature-Timestamp": stamp}
    if provider == "chatwoot":
        stamp = str(int(at.timestamp()))
        digest = hmac.new(key, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return {"X-Chatwoot-Signature": f"sha256={digest}", "X-Chatwoot-Timestamp": stamp}
    if provider == "zammad":
        return {"X-Hub-Signature": f"sha1={hmac.new(key, body, hashlib.sha1).hexdigest()}", "X-Zammad-Delivery": "x"}
    return {"X-Nabd-Secret": key.decode()}


PAYLOADS = {"zendesk": zendesk, "freshdesk": freshdesk, "chatwoot": chatwoot, "zammad": zammad}


def post(client: TestClient, provider: str, payload: Any, **signing: Any) -> httpx2.Response:
    body = json.dumps(payload, ensure_ascii=False).encode()
    return client.post(f"/v1/inbound/{provider}", content=body, headers=signed(provider, body, **signing))
