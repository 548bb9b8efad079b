from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from exports import TEXTS
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Feedback
from pipeline.taxonomy import DEFAULT, LABELS

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
WORDS = "خصمتوا Sara-4412"


@pytest.fixture
def service_app(make_app: Callable[..., FastAPI], store: Store) -> FastAPI:
    """Its clock goes on a second with every look, so that a later word is later."""
    ticks = count()
    return make_app(store=store, clock=lambda: NOW + timedelta(seconds=next(ticks)))


@pytest.fixture
def kept(client: TestClient) -> list[str]:
    messages = [
        {"text": text, "customer": "c", "id": f"m-{n}", "time": f"2026-11-1{n}T08:00:00Z"}
        for n, text in enumerate(TEXTS)
    ]
    client.post("/v1/score", json={"messages": messages})
    return [each["id"] for each in messages]


def give(client: TestClient, status: int = 201, **body: Any) -> dict[str, Any]:
    answer = client.post("/v1/feedback", json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("task", ["category", "topic", "sentiment", "emotion", "urgency", "churn"])
def test_every_label_of_every_task_can_be_corrected(client: TestClient, kept: list[str], task: str) -> None:
    labels = DEFAULT.category_ids if task == "category" else DEFAULT.labels(task)
    before = client.get("/v1/customers/c").json()["timeline"]["items"]
    for label in labels:
        found = give(client, message="m-2", task=task, label=label)
        assert (found["message"], found["customer"], found["task"], found["label"]) == ("m-2", None, task, label)
        shown = next(each for each in client.get("/v1/customers/c").json()["timeline"]["items"] if each["id"] == "m-2")
        assert shown["corrected"] == {task: label}
        assert shown["reviewed"] is True
    said = next(each for each in before if each["id"] == "m-2")["labels"]
    if task in ("category", "topic", "sentiment", "emotion", "urgency"):
        assert found["said"] == (said[task] or "")


def test_a_correction_changes_the_risk_at_once(client: TestClient, kept: list[str]) -> None:
    for id in kept:
        give(client, message=id, task="churn", label="yes")
        give(client, message=id, task="sentiment", label="negative")
    worst = client.get("/v1/customers/c").json()
    assert worst["band"] == "critical"
    for id in kept:
        give(client, message=id, task="churn", label="no")
        give(client, message=id, task="sentiment", label="positive")
        give(client, message=id, task="emotion", label="joy")
    assert client.get("/v1/customers/c").json()["risk"] < worst["risk"] / 2


@pytest.mark.parametrize(
    ("task", "label"),
    [("topic", "billing"), ("category", "refund"), ("sentiment", "angry"), ("churn", "maybe"), ("topic", WORDS)],
)
def test_a_label_that_there_is_not_is_refused_with_those_there_are(
    client: TestClient, kept: list[str], task: str, label: str
) -> None:
    refused = give(client, 422, message="m-1", task=task, label=label)
    assert "expected one of" in refused["detail"]
    assert WORDS not in str(refused)
    known = DEFAULT.category_ids if task == "category" else DEFAULT.labels(task)
    assert known[0] in refused["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"message": "nothing", "task": "topic", "label": "refund"}, 404),
        ({"customer": "nobody", "outcome": "left"}, 404),
        ({"message": "m-1", "task": "domain", "label": "support"}, 422),
        ({"message": "m-1", "task": WORDS, "label": "x"}, 422),
        ({"message": "m-1", "customer": "c", "task": "topic", "label": "refund"}, 422),
        ({"customer": "c", "outcome": WORDS}, 422),
        ({"customer": "c", "outcome": "left", "date": WORDS}, 422),
        ({"customer": "c\u0000", "outcome": "left"}, 422),
        ({"customer": "", "outcome": "left"}, 422),
        ({}, 422),
        ([], 422),
    ],
)
def test_what_is_no_feedback_is_a_problem(client: TestClient, kept: list[str], body: Any, status: int) -> None:
    answer = client.post("/v1/feedback", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "4412" not in answer.text


def test_a_customer_who_left_is_frozen_at_that_day_until_said_to_stay(client: TestClient, kept: list[str]) -> None:
    before = client.get("/v1/customers/c").json()
    found = give(client, customer="c", outcome="left", date="2026-11-12")
    assert (found["customer"], found["task"], found["label"], found["said"]) == (
        "c",
        "left",
        "2026-11-12",
        before["band"],
    )
    left = client.get("/v1/customers/c").json()
    assert (left["band"], left["left_at"][:10]) == ("left", "2026-11-12")
    client.post("/v1/score", json={"messages": [{"text": TEXTS[4], "customer": "c", "time": "2026-11-19T08:00:00Z"}]})
    frozen = client.get("/v1/customers/c").json()
    assert (frozen["band"], frozen["risk"]) == ("left", left["risk"])
    give(client, customer="c", outcome="stayed")
    stayed = client.get("/v1/customers/c").json()
    assert stayed["band"] != "left"
    assert stayed["left_at"] is None


def test_without_a_day_the_customer_left_today(client: TestClient, kept: list[str]) -> None:
    give(client, customer="c", outcome="left")
    assert client.get("/v1/customers/c").json()["left_at"][:10] == "2026-11-20"


def test_the_same_key_counts_once(client: TestClient, kept: list[str], store: Store) -> None:
    body = {"message": "m-1", "task": "topic", "label": "refund"}
    answers = [client.post("/v1/feedback", json=body, headers={"Idempotency-Key": "k"}) for _ in range(3)]
    assert len({each.text for each in answers}) == 1
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(Feedback)) == 1


def test_feedback_needs_the_scope_to_write(
    client: TestClient, kept: list[str], key_headers: Callable[..., dict[str, str]]
) -> None:
    body = {"message": "m-1", "task": "topic", "label": "refund"}
    assert client.post("/v1/feedback", json=body, headers=key_headers("read", "score")).status_code == 403
    assert client.post("/v1/feedback", json=body, headers=key_headers("write")).status_code == 201


def test_the_examples_of_the_description_have_the_right_form(client: TestClient) -> None:
    described = client.get("/openapi.json").json()["paths"]["/v1/feedback"]["post"]
    examples = described["requestBody"]["content"]["application/json"]["examples"]
    assert list(examples) == ["ar", "fa", "en"]
    for each in examples.values():
        assert client.post("/v1/feedback", json=each["value"]).status_code == 404  # well formed, of nobody here
    assert {label.id for label in LABELS["sentiment"]} >= {examples["fa"]["value"]["label"]}
