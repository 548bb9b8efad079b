from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pipeline.bundle import Bundle
from pipeline.records import Message as Incoming
from pipeline.score import score
from pipeline.service.keeping import Arrival, Policy, keep, keep_all, storable, taken
from pipeline.service.problems import Refusal
from pipeline.service.settings import ServiceSettings
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Customer, Message
from pipeline.settings import Settings

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
TEXTS = {
    "ar": "راسلني على lina@example.com، خصمتوا مني مرتين 😡",
    "fa": "به lina@example.com ایمیل بزنید، سفارشم نرسیده",
    "en": "write to lina@example.com, I was charged twice",
}


@pytest.fixture
def policy(settings: Settings) -> Policy:
    return Policy("masked", settings.risk, settings.max_characters, ())


def put(store: Store, bundle: Bundle, settings: Settings, policy: Policy, *arrivals: Arrival) -> list[str | None]:
    scored = score([Incoming(each.text) for each in arrivals], bundle, settings.routes)
    with store.begin() as session:
        return keep_all(session, list(zip(arrivals, scored, strict=True)), "test", policy, NOW)


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("how", ["masked", "raw", "none"])
def test_text_is_kept_as_the_settings_say(
    store: Store, tiny_bundle: Bundle, settings: Settings, policy: Policy, language: str, how: str
) -> None:
    put(store, tiny_bundle, settings, replace(policy, store_text=how), Arrival(TEXTS[language], "m", "c"))
    with store.read() as session:
        row = session.get_one(Message, "m")
    assert row.language == language
    if how == "none":
        assert row.text is None
    else:
        assert row.text is not None
        assert ("lina@example.com" in row.text) == (how == "raw")
        assert ("😡" in row.text) == (language == "ar")


def test_a_message_of_nobody_is_not_kept(store: Store, tiny_bundle: Bundle, settings: Settings, policy: Policy) -> None:
    assert put(store, tiny_bundle, settings, policy, Arrival("hello there"), Arrival("سلام", id="m")) == [None, "m"]
    with store.read() as session:
        assert session.query(Message).count() == 1
        assert session.query(Customer).count() == 0


def test_the_same_id_replaces_the_score_and_keeps_what_people_said(
    store: Store, tiny_bundle: Bundle, settings: Settings, policy: Policy
) -> None:
    put(store, tiny_bundle, settings, policy, Arrival(TEXTS["en"], "m", "c", channel="mail"))
    with store.begin() as session:
        session.get_one(Message, "m").reviewed = True
    put(store, tiny_bundle, settings, policy, Arrival(TEXTS["fa"], "m", "c", channel="chat"))
    with store.read() as session:
        row = session.get_one(Message, "m")
    assert (row.language, row.channel, row.reviewed) == ("fa", "chat", True)


def test_an_id_of_another_customer_is_refused_and_nothing_kept(
    store: Store, tiny_bundle: Bundle, settings: Settings, policy: Policy
) -> None:
    put(store, tiny_bundle, settings, policy, Arrival("hello there", "m", "c"))
    for arrivals in (
        [Arrival("hello", "new", "d"), Arrival("hello", "m", "d")],
        [Arrival("hello", "m")],
        [Arrival("hello", "twice", "d"), Arrival("hello", "twice", "e")],
    ):
        with pytest.raises(Refusal) as refused:
            put(store, tiny_bundle, settings, policy, *arrivals)
        assert refused.value.status_code == 409
    with store.read() as session:
        assert {row.id for row in session.query(Message)} == {"m"}
        assert {row.id for row in session.query(Customer)} == {"c"}
        assert taken(session, [Arrival("x", "m", "c"), Arrival("x", "free", "d")]) == set()


def test_what_a_database_cannot_hold_is_replaced(
    store: Store, tiny_bundle: Bundle, settings: Settings, policy: Policy
) -> None:
    outcome = {"status": "open\0", "left": datetime(2026, 1, 1, tzinfo=UTC), "csat": 0.5, "nps": None}
    hostile = Arrival("a\0b\ud800 hello", "i\0", "c\ud800", ticket="t\0" * 300, channel="\0" * 200, outcome=outcome)
    assert put(store, tiny_bundle, settings, policy, hostile) == ["i\ufffd"]
    with store.read() as session:
        row = session.get_one(Message, "i\ufffd")
    assert row.customer_id == "c\ufffd"
    assert row.outcome == {"status": "open\ufffd", "left": "2026-01-01T00:00:00+00:00", "csat": 0.5}
    assert (len(row.ticket), len(row.channel)) == (200, 100)
    assert storable("سلام 😡") == "سلام 😡"


def test_a_time_without_a_place_on_the_clock_is_now(
    store: Store, tiny_bundle: Bundle, settings: Settings, policy: Policy
) -> None:
    far = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))
    naive = datetime(2026, 11, 1, 8)
    put(store, tiny_bundle, settings, policy, Arrival("a", "far", "c", far), Arrival("b", "naive", "c", naive))
    with store.read() as session:
        assert session.get_one(Message, "far").time == NOW
        assert session.get_one(Message, "naive").time == naive.replace(tzinfo=UTC)


def test_one_message_is_kept_as_many_are(store: Store, tiny_bundle: Bundle, settings: Settings, policy: Policy) -> None:
    (scored,) = score([Incoming(TEXTS["ar"])], tiny_bundle, settings.routes)
    with store.begin() as session:
        id = keep(session, Arrival(TEXTS["ar"], customer="c"), scored, "test", policy, NOW)
        assert id is not None
    with store.read() as session:
        assert session.get_one(Customer, "c").judged_at == NOW
        assert session.get_one(Message, id).scored["topic"]["label"] == scored.topic.label


def test_nothing_is_served_without_a_store(make_app: Callable[..., FastAPI], service_settings: ServiceSettings) -> None:
    client = TestClient(make_app(store=None), base_url="http://localhost")
    assert client.get("/v1/customers").status_code == 404
    assert client.post("/v1/score", json={"messages": [{"text": "hello", "customer": "c"}]}).status_code == 200
