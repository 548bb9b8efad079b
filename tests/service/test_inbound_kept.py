from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from helpdesks import NOW, PAYLOADS, SECRETS, chatwoot, post, zammad
from sqlalchemy import func, select

from pipeline.service.settings import ServiceSettings
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Customer, Message, Received


@pytest.fixture
def client(make_app: Callable[..., FastAPI], store: Store, service_settings: ServiceSettings) -> Iterator[TestClient]:
    secrets = {f"{name}_secret": secret for name, secret in SECRETS.items()}
    app = make_app(store=store, service=replace(service_settings, **secrets))
    with TestClient(app, base_url="http://desk.example") as found:  # no caller of this machine
        yield found


@pytest.mark.parametrize(
    ("provider", "customer", "ticket", "channel", "language", "id"),
    [
        ("zendesk", "8447", "zendesk:5158", "email", "en", "zendesk:9001"),
        ("freshdesk", "omar@example.com", "freshdesk:3", "portal", "en", None),
        ("chatwoot", "negar@example.com", "chatwoot:40", "whatsapp", "fa", "chatwoot:17"),
        ("zammad", "sara@example.com", "zammad:81", "email", "ar", "zammad:104"),
    ],
)
def test_a_message_of_each_helpdesk_is_scored_and_kept(
    client: TestClient, store: Store, provider: str, customer: str, ticket: str, channel: str, language: str,
    id: str | None,
) -> None:  # fmt: skip
    answer = post(client, provider, PAYLOADS[provider]())
    assert (answer.status_code, answer.json()) == (200, {"status": "kept", "messages": 1})
    with store.read() as session:
        row = session.scalars(select(Message)).one()
        judged = session.get_one(Customer, customer).judged_at
    assert (row.customer_id, row.ticket, row.channel, row.language) == (customer, ticket, channel, language)
    assert row.source == provider
    assert id is None or row.id == id
    assert row.time == (NOW if provider == "freshdesk" else row.time)
    assert abs(NOW - row.time) <= timedelta(minutes=1)
    assert judged == NOW
    assert "<" not in (row.text or "")


@pytest.mark.parametrize("provider", SECRETS)
def test_a_second_copy_is_not_taken_twice(client: TestClient, store: Store, provider: str) -> None:
    answers = [post(client, provider, PAYLOADS[provider]()).json()["status"] for _ in range(3)]
    assert answers == ["kept", "known", "known"]
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 1
        assert session.scalar(select(func.count()).select_from(Received)) == 1


def test_two_helpdesks_that_count_alike_do_not_meet(client: TestClient, store: Store) -> None:
    post(client, "zammad", zammad(id=17))
    post(client, "chatwoot", chatwoot(id=17))
    with store.read() as session:
        assert set(session.scalars(select(Message.id))) == {"zammad:17", "chatwoot:17"}
