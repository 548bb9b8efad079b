from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from pipeline.calibrate import uncertainty
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Message

LANGUAGES = {"ar": 30, "fa": 4, "en": 12, "unsupported": 5}


@pytest.fixture
def kept(store: Store) -> None:
    """Many uncertain messages in one language, a few in others."""
    with store.begin() as session:
        for language, count in LANGUAGES.items():
            for number in range(count):
                session.add(row(f"{language}-{number:02}", language, (0.9 if language == "ar" else 0.5) - number / 100))
        session.add(row("judged", "fa", 0.99, reviewed=True))
        session.add(row("without text", "fa", 0.98, text=None))


def row(id: str, language: str, uncertainty: float, *, reviewed: bool = False, text: str | None = "سلام") -> Message:
    prediction = {"label": "none", "confidence": 1.0, "probabilities": {"yes": 0.1}}
    scored = {
        "domain": "support", "emotion": prediction, "urgency": prediction, "churn": prediction, "sentiment_score": 0.0,
        "decision": {"priority": "normal", "sla_minutes": 60, "queue": "q", "tags": []}, "flags": [],
    }  # fmt: skip
    return Message(
        id=id, time=datetime(2026, 11, 1, tzinfo=UTC), text=text, language=language, category="billing", topic="refund",
        queue="q", uncertainty=uncertainty, review=["ambiguous"], reviewed=reviewed, model="m", scored=scored,
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.usefixtures("kept")
def test_languages_take_turns_and_within_one_the_least_certain_comes_first(client: TestClient) -> None:
    items = client.get("/v1/review", params={"limit": 9}).json()["items"]
    assert [each["id"] for each in items] == [
        "ar-00", "en-00", "fa-00", "ar-01", "en-01", "fa-01", "ar-02", "en-02", "fa-02",
    ]  # fmt: skip


@pytest.mark.usefixtures("kept")
def test_pages_hold_every_message_once_and_none_that_was_judged(client: TestClient) -> None:
    seen: list[str] = []
    query: dict[str, str] = {}
    while True:
        page = client.get("/v1/review", params={"limit": "7", **query}).json()
        seen += [each["id"] for each in page["items"]]
        if page["next"] is None:
            break
        query = {"cursor": page["next"]}
    assert Counter(each.rpartition("-")[0] for each in seen) == LANGUAGES
    assert len(set(seen)) == len(seen)
    assert all(each.startswith("unsupported") for each in seen[-5:])


@pytest.mark.usefixtures("kept")
def test_feedback_takes_a_message_off_the_list(client: TestClient) -> None:
    first = client.get("/v1/review", params={"limit": 1}).json()["items"][0]["id"]
    client.post("/v1/feedback", json={"message": first, "task": "topic", "label": "refund"})
    assert client.get("/v1/review", params={"limit": 1}).json()["items"][0]["id"] != first
    listed = client.get("/v1/review", params={"limit": 200}).json()["items"]
    assert first not in {each["id"] for each in listed}


def test_an_empty_store_has_nothing_to_review(client: TestClient) -> None:
    assert client.get("/v1/review").json() == {"items": [], "next": None}


def test_what_is_reviewed_first_is_what_nabd_review_calls_unsure(client: TestClient, store: Store) -> None:
    texts = ["where is my order", "وين طلبي، ليش تأخر", "سفارشم کجاست، چرا نرسید"]
    messages = [{"text": text, "customer": "c", "id": f"m-{n}"} for n, text in enumerate(texts)]
    answered = client.post("/v1/score", json={"messages": messages}).json()["results"]
    with store.read() as session:
        for place, each in enumerate(answered):
            chances = list(each["topic"]["probabilities"].values())
            assert session.get_one(Message, f"m-{place}").uncertainty == pytest.approx(float(uncertainty(chances)))
