from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from helpdesks import NOW, PAYLOADS, SECRETS, chatwoot, freshdesk, post, signed, zammad, zendesk
from sqlalchemy import func, select

from pipeline.service.settings import ServiceSettings
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Message
from pipeline.service.webhooks import payloads

AR = "خصمتوا مني مرتين ومحد رد"


@pytest.fixture
def database(tmp_path: Path) -> str:
    """One kind is enough: most of this never comes to the store."""
    return f"sqlite:///{tmp_path / 'nabd.db'}"


@pytest.fixture
def client(make_app: Callable[..., FastAPI], store: Store, service_settings: ServiceSettings) -> Iterator[TestClient]:
    secrets = {f"{name}_secret": secret for name, secret in SECRETS.items()}
    app = make_app(store=store, service=replace(service_settings, **secrets))
    with TestClient(app, base_url="http://desk.example") as found:  # no caller of this machine
        yield found


@pytest.mark.parametrize("provider", SECRETS)
def test_a_wrong_signature_is_refused_and_nothing_kept(client: TestClient, store: Store, provider: str) -> None:
    body = json.dumps(PAYLOADS[provider]()).encode()
    right = signed(provider, body)
    name = next(iter(right))
    wrong = [
        {}, signed(provider, body, secret="another"), {**right, name: ""}, {**right, name: "ä" * 9},
        {**right, name: right[name][:-2]}, {**right, name: right[name] + "0"},
    ]  # fmt: skip
    for headers in wrong:
        raw = {key.encode(): value.encode() for key, value in headers.items()}
        answer = client.post(f"/v1/inbound/{provider}", content=body, headers=raw)
        assert answer.status_code == 403
        assert answer.json()["detail"] == "the webhook is not signed as it should be"
    altered = body.replace(b"2026", b"2027")
    if provider != "freshdesk":  # which signs nothing
        assert (
            altered == body or client.post(f"/v1/inbound/{provider}", content=altered, headers=right).status_code == 403
        )
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0


@pytest.mark.parametrize("provider", ["zendesk", "chatwoot"])
@pytest.mark.parametrize(("minutes", "status"), [(-4.9, 200), (4.9, 200), (-5.1, 403), (5.1, 403), (-60 * 24, 403)])
def test_a_signed_time_may_be_five_minutes_off(client: TestClient, provider: str, minutes: float, status: int) -> None:
    answer = post(client, provider, PAYLOADS[provider](), at=NOW + timedelta(minutes=minutes))
    assert answer.status_code == status


@pytest.mark.parametrize("provider", ["zendesk", "chatwoot"])
@pytest.mark.parametrize("stamp", ["", "yesterday", "1e99", "9" * 30, "２０２６"])
def test_a_time_that_is_none_is_refused_though_signed(client: TestClient, provider: str, stamp: str) -> None:
    body, key = json.dumps(PAYLOADS[provider]()).encode(), SECRETS[provider].encode()
    between = b"." if provider == "chatwoot" else b""
    digest = hmac.new(key, stamp.encode() + between + body, hashlib.sha256)
    if provider == "zendesk":
        names = ("X-Zendesk-Webhook-Signature", "X-Zendesk-Webhook-Signature-Timestamp")
        values = (base64.b64encode(digest.digest()).decode(), stamp)
    else:
        names, values = ("X-Chatwoot-Signature", "X-Chatwoot-Timestamp"), (f"sha256={digest.hexdigest()}", stamp)
    headers = {name.encode(): value.encode() for name, value in zip(names, values, strict=True)}
    assert client.post(f"/v1/inbound/{provider}", content=body, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("provider", "payload"),
    [
        ("zendesk", zendesk(is_public=False)),
        ("zendesk", zendesk(author={"is_staff": True})),
        ("zendesk", zendesk(body="")),
        ("zendesk", {**zendesk(), "type": "zen:event-type:ticket.created"}),
        ("zendesk", {**zendesk(), "event": None, "detail": []}),
        ("chatwoot", chatwoot(message_type="outgoing")),
        ("chatwoot", chatwoot(message_type="template")),
        ("chatwoot", chatwoot(private=True)),
        ("chatwoot", chatwoot(event="conversation_created")),
        ("chatwoot", chatwoot(content=None)),
        ("chatwoot", chatwoot(sender=None)),
        ("zammad", zammad(sender="Agent", sender_id=1)),
        ("zammad", zammad(internal=True)),
        ("zammad", zammad(sender="System", sender_id=3)),
        ("zammad", zammad(body="")),
        ("zammad", {"ticket": zammad()["ticket"], "article": None}),
        ("freshdesk", freshdesk(ticket_description="")),
        ("freshdesk", freshdesk(ticket_requester_email=None)),
        ("freshdesk", {}),
    ],
)  # fmt: skip
def test_agents_private_notes_and_other_events_are_ignored(
    client: TestClient, store: Store, provider: str, payload: dict[str, Any]
) -> None:
    answer = post(client, provider, payload)
    assert (answer.status_code, answer.json()) == (200, {"status": "ignored", "messages": 0})
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0


@pytest.mark.parametrize("provider", ["zendesk", "freshdesk"])
def test_what_a_trigger_posts_may_be_written_by_hand(client: TestClient, store: Store, provider: str) -> None:
    given = {
        "id": "77", "ticket": 12, "customer": "c-9", "time": "2026-11-20T11:30:00+03:00", "channel": "web",
        "subject": "عنوان", "text": AR,
    }  # fmt: skip
    assert post(client, provider, {"nabd": given}).json()["status"] == "kept"
    with store.read() as session:
        row = session.scalars(select(Message)).one()
    assert (row.id, row.ticket, row.customer_id) == (f"{provider}:77", f"{provider}:12", "c-9")
    assert row.time.isoformat() == "2026-11-20T08:30:00+00:00"
    assert (row.text or "").startswith("عنوان")


@pytest.mark.parametrize("provider", [*SECRETS, "intercom", "x" * 40, "database", "..%2F.."])
def test_without_a_secret_there_is_no_such_webhook(
    make_app: Callable[..., FastAPI], store: Store, provider: str
) -> None:
    quiet = TestClient(make_app(store=store), base_url="http://desk.example")
    body = json.dumps(zendesk()).encode()
    answer = quiet.post(f"/v1/inbound/{provider}", content=body, headers=signed("zammad", body, secret=""))
    assert answer.status_code == 404


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'"x"', b"[" * 40 + b"]" * 40])
def test_a_signed_body_that_is_no_object_is_a_problem(client: TestClient, content: bytes) -> None:
    headers = {**signed("zammad", content), "content-type": "text/plain"}
    answer = client.post("/v1/inbound/zammad", content=content, headers=headers)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_odd_values_in_a_payload_are_no_fault() -> None:
    odd: list[Any] = [None, 1, "x", [], {}, [[]], {"a": 1}, True, 1e300]
    for make, read in ((zendesk, payloads.zendesk), (chatwoot, payloads.chatwoot), (freshdesk, payloads.freshdesk)):
        for payload in _with_odd(make(), odd):
            list(read(payload))
    for payload in _with_odd(zammad(), odd):
        list(payloads.zammad(payload))


def _with_odd(payload: Any, odd: list[Any]) -> Iterator[Any]:
    """The payload with each of its values, at any depth, replaced by each odd one."""
    for name in payload:
        for value in odd:
            yield {**payload, name: value}
        if isinstance(payload[name], dict):
            for inner in _with_odd(payload[name], odd):
                yield {**payload, name: inner}
