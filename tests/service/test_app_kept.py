"""Scoring with a store: what is kept, under which id, and the same request sent twice."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from exports import as_csv, ended, send
from fastapi import FastAPI
from fastapi.testclient import TestClient
from helpdesks import SECRETS
from helpdesks import post as post_webhook
from served import HERE, NOW, Headers, MakeApp
from sqlalchemy import func, select

from pipeline.route import Rule
from pipeline.service.settings import ServiceSettings
from pipeline.service.store import customers
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Answered, Customer, Message
from pipeline.settings import Settings

AR, FA, EN = "خصمتوا المبلغ مرتين ومحد رد علي", "سفارشم هنوز نرسیده", "I was charged twice, I am leaving"


def post(client: TestClient, *messages: dict[str, Any], key: str = "", **body: Any) -> httpx2.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post("/v1/score", json={"messages": list(messages), **body}, headers=headers)


def count(store: Store, table: Any) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_message_of_a_customer_is_kept_before_it_is_answered(client: TestClient, store: Store) -> None:
    message = {
        "text": AR, "customer": "c-1", "time": "2026-11-19T08:00:00+03:00", "ticket": "t-1", "channel": "whatsapp",
        "outcome": {"status": "reopened", "csat": 0.25},
    }  # fmt: skip
    (result,) = post(client, message).json()["results"]
    with store.read() as session:
        row = session.get(Message, result["id"])
        assert row is not None
        assert (row.customer_id, row.ticket, row.channel, row.source) == ("c-1", "t-1", "whatsapp", "api")
        assert row.time.isoformat() == "2026-11-19T05:00:00+00:00"
        assert row.outcome == {"status": "reopened", "csat": 0.25}
        assert row.category == result["category"]["label"]
        customer = session.get(Customer, "c-1")
        assert customer is not None
        assert customer.judged_at is not None


@pytest.fixture
def routed(make_app: MakeApp, settings: Settings, service_settings: ServiceSettings, store: Store) -> FastAPI:
    """Its first route is for those at critical risk, as `c-gone` is and `c-calm` is not."""
    at_risk = Rule("at risk", "rescue", "urgent", 30, {"risk": ("critical",)})
    with store.begin() as session:
        for id, band in (("c-gone", "critical"), ("c-calm", "low")):
            customers.ensure_all(session, [id], now=NOW)[0].band = band
    return make_app(
        store=store,
        settings=replace(settings, routes=(at_risk, *settings.routes)),
        service=replace(service_settings, zendesk_secret=SECRETS["zendesk"]),
    )


def test_routes_may_ask_for_the_customers_risk(routed: FastAPI) -> None:
    """The band of the customer before the message; nobody else's."""
    asked = [{"text": EN, "customer": id} for id in ("c-gone", "c-calm", "c-new")]
    with TestClient(routed, base_url=HERE) as client:
        results = post(client, *asked).json()["results"]
    assert [result["decision"]["queue"] == "rescue" for result in results] == [True, False, False]


def test_so_may_those_of_a_helpdesks_message(routed: FastAPI, store: Store) -> None:
    with TestClient(routed, base_url=HERE) as client:
        for id, customer in ((1, "c-gone"), (2, "c-calm"), (3, "c-new")):
            by_hand = {"nabd": {"id": id, "ticket": id, "customer": customer, "text": FA}}
            assert post_webhook(client, "zendesk", by_hand).json() == {"status": "kept", "messages": 1}
    assert queues(store) == {"c-gone": True, "c-calm": False, "c-new": False}


def test_so_may_those_of_a_job(routed: FastAPI, store: Store) -> None:
    header = ("message id", "customer id", "created at", "text")
    given = [
        dict(zip(header, (f"m-{n}", customer, "2026-11-03T08:00:00Z", AR), strict=True))
        for n, customer in enumerate(("c-gone", "c-calm", "c-new"))
    ]
    with TestClient(routed, base_url=HERE) as client:
        assert ended(client, send(client, as_csv(given, header), "export.csv").json()["id"])["state"] == "done"
    assert queues(store) == {"c-gone": True, "c-calm": False, "c-new": False}


def queues(store: Store) -> dict[str | None, bool]:
    """Customer -> whether its message went where those at risk go."""
    with store.read() as session:
        return {row.customer_id: row.queue == "rescue" for row in session.scalars(select(Message))}


def test_only_what_names_a_customer_or_an_id_is_kept(client: TestClient, store: Store) -> None:
    results = post(client, {"text": AR}, {"text": FA, "id": "m-2"}, {"text": EN, "customer": "c-3"}).json()["results"]
    assert (results[0]["id"], results[1]["id"]) == (None, "m-2")
    assert results[2]["id"]
    assert count(store, Message) == 2
    post(client, {"text": EN, "id": "m-2"})
    assert count(store, Message) == 2
    assert post(client, {"text": EN, "id": "m-2", "customer": "c-3"}).status_code == 409


def test_the_same_key_gives_the_same_answer_and_keeps_once(client: TestClient, store: Store) -> None:
    message = {"text": FA, "customer": "c-1"}
    first, second = post(client, message, key="once"), post(client, message, key="once")
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert ("idempotency-replayed" in first.headers, second.headers["idempotency-replayed"]) == (False, "true")
    assert count(store, Message) == 1
    post(client, message, key="twice")
    assert count(store, Message) == 2


def test_the_same_key_for_another_request_is_refused(client: TestClient, store: Store) -> None:
    post(client, {"text": FA, "customer": "c-1"}, key="once")
    other = post(client, {"text": "Sara-4412", "customer": "c-1"}, key="once")
    assert other.status_code == 422
    assert "another request" in other.json()["detail"]
    assert "Sara" not in other.text
    assert count(store, Message) == 1


def test_the_answer_that_is_kept_holds_no_words_of_the_message(client: TestClient, store: Store) -> None:
    first, again = (post(client, {"text": EN}, {"text": AR, "customer": "c-1"}, key="once", explain=True) for _ in "12")
    assert again.headers["idempotency-replayed"] == "true"
    assert first.json() == again.json()
    for result, text in zip(first.json()["results"], (EN, AR), strict=True):
        words = result["explanation"]["words"]
        assert words
        assert all(text[word["start"] : word["end"]] == word["text"] for word in words)
    with store.read() as session:
        (kept,) = session.scalars(select(Answered.body))
    assert not [word for word in ("charged", "twice", *AR.split()) if word in json.dumps(kept, ensure_ascii=False)]


def test_another_callers_key_is_another_key(client: TestClient, store: Store, key_headers: Headers) -> None:
    own, other = key_headers("score"), key_headers("score")
    for headers in (own, other):
        body = {"messages": [{"text": EN, "customer": headers["Authorization"][-8:]}]}
        answer = client.post("/v1/score", json=body, headers={**headers, "Idempotency-Key": "k"})
        assert answer.status_code == 200
        assert "idempotency-replayed" not in answer.headers
    assert count(store, Answered) == 2


@pytest.mark.parametrize("key", ["", "a b", "k" * 256, "ключ".encode()])
def test_a_key_that_is_none_is_refused(client: TestClient, key: str | bytes) -> None:
    headers: dict[Any, Any] = {"Idempotency-Key": key}
    answer = client.post("/v1/score", json={"messages": [{"text": EN}]}, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "Idempotency-Key"


def test_the_same_request_many_times_at_once_is_done_once(client: TestClient, store: Store) -> None:
    answers: list[httpx2.Response] = []
    message = {"text": AR, "customer": "c-1"}
    threads = [threading.Thread(target=lambda: answers.append(post(client, message, key="race"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.text for answer in answers}) == 1
    assert count(store, Message) == 1
    assert count(store, Answered) == 1


def test_what_cannot_be_kept_is_not_acknowledged(client: TestClient, store: Store) -> None:
    post(client, {"text": EN, "id": "taken", "customer": "c-1"})
    refused = post(client, {"text": EN, "customer": "c-2"}, {"text": EN, "id": "taken", "customer": "c-2"}, key="k")
    assert refused.status_code == 409
    assert count(store, Message) == 1
    assert count(store, Answered) == 0
    assert count(store, Customer) == 1


def test_an_explanation_names_the_words_that_decided(client: TestClient) -> None:
    results = post(client, {"text": AR}, {"text": FA}, {"text": EN}, explain=True).json()["results"]
    for text, result in zip((AR, FA, EN), results, strict=True):
        explanation = result["explanation"]
        assert (explanation["task"], explanation["label"]) == ("topic", result["topic"]["label"])
        assert explanation["words"]
        for word in explanation["words"]:
            assert text[word["start"] : word["end"]] == word["text"]
    assert "explanation" not in post(client, {"text": EN}).json()["results"][0]
