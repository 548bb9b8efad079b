from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kept import NOW, TEXTS, days, keep, row, scored
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pipeline.errors import UsageError
from pipeline.records import Outcome
from pipeline.risk import Weights
from pipeline.service.store import audit, customers, feedback, jobs, messages
from pipeline.service.store.engine import Store
from pipeline.service.store.paging import Page
from pipeline.service.store.tables import Customer, Job, Message

WEIGHTS = Weights()


def job(id: str, state: str = jobs.QUEUED, **changes: Any) -> Job:
    values = {"id": id, "state": state, "filename": "export.csv", "actor": "key:1", "created_at": NOW}
    return Job(**(values | changes))


def through(read: Callable[[dict[str, Any] | None], Page[Any]], meanwhile: Callable[[], None]) -> list[str]:
    """The ids of every page, with something done between them; cursors go through JSON as they would in an answer."""
    found: list[str] = []
    cursor: dict[str, Any] | None = None
    while True:
        page = read(cursor)
        found += [str(each.id) for each in page.items]
        if page.next is None:
            return found
        cursor = json.loads(json.dumps(page.next))
        meanwhile()


@pytest.mark.parametrize("language", TEXTS)
def test_a_message_comes_back_as_it_was_kept(store: Store, language: str) -> None:
    tehran = datetime(2026, 6, 1, 15, 30, tzinfo=timezone(timedelta(hours=3, minutes=30)))
    with store.begin() as session:
        keep(session, row("m1", "C-1", text=TEXTS[language], at=tehran, outcome={"csat": 0.25}))
    with store.read() as session:
        found = session.get_one(Message, "m1")
        assert found.text == TEXTS[language]
        assert (found.time, found.time.tzinfo) == (NOW, UTC)
        assert found.outcome == {"csat": 0.25}
        assert found.scored["topic"]["probabilities"] == scored().topic.probabilities


def test_a_time_without_an_offset_is_refused(store: Store) -> None:
    with pytest.raises(Exception, match="a time without an offset"), store.begin() as session:
        keep(session, row("m1", "C-1", at=datetime(2026, 1, 1)))


def test_an_id_that_comes_again_replaces_the_score_and_keeps_the_feedback(store: Store) -> None:
    with store.begin() as session:
        keep(session, row("m1", "C-1"))
        feedback.on_message(session, "m1", task="topic", label="refund", actor="user:lina", now=NOW)
    again = row("m1", "C-1", at=NOW + days(3), said=scored(sentiment="positive"), text="all good", model="new@1")
    again.reviewed = False
    with store.begin() as session:
        keep(session, again)
    with store.read() as session:
        found = session.get_one(Message, "m1")
        assert (found.sentiment, found.text, found.model) == ("positive", "all good", "new@1")
        assert (found.reviewed, found.created_at) == (True, NOW)
        assert feedback.on_messages_of(session, "C-1") == {"m1": {"topic": "refund"}}
        assert len(session.scalars(select(Message)).all()) == 1


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(("negative", "positive", "neutral")))))
def test_the_last_write_of_each_id_stands(store: Store, writes: list[tuple[str, str]]) -> None:
    with store.begin() as session:
        session.execute(delete(Message))
        for id, sentiment in writes:
            keep(session, row(id, "C-1", said=scored(sentiment=sentiment)))
    with store.read() as session:
        assert {each.id: each.sentiment for each in session.scalars(select(Message))} == dict(writes)


def test_pages_are_whole_and_in_order_while_rows_are_put_in(store: Store) -> None:
    with store.begin() as session:
        keep(session, *(row(f"m{number:02}", "C-1", at=NOW - days(number // 3)) for number in range(20)))
    more = iter(range(100))

    def meanwhile() -> None:
        with store.begin() as session:
            keep(session, row(f"new{next(more)}", "C-1", at=NOW + days(1)))

    def read(cursor: dict[str, Any] | None) -> Page[Message]:
        with store.read() as session:
            return messages.page(session, customer="C-1", cursor=cursor, limit=3)

    found = through(read, meanwhile)
    assert found == sorted(found, key=lambda id: (-(int(id[1:]) // 3), id), reverse=True)
    assert len(found) == 20


def test_customers_are_paged_by_risk_and_found_by_band_and_id(store: Store) -> None:
    risks = {"C-1": 80.0, "C-2": 60.0, "C-3": 60.0, "c_4": 10.0, "D%5": 0.0}
    with store.begin() as session:
        for id, value in risks.items():
            (customer,) = customers.ensure_all(session, [id])
            customer.risk, customer.band = value, "high" if value == 60.0 else "low"

    def found(**choice: Any) -> list[str]:
        def read(cursor: dict[str, Any] | None) -> Page[Customer]:
            with store.read() as session:
                return customers.page(session, cursor=cursor, limit=1, **choice)

        return through(read, lambda: None)

    assert found() == list(risks)
    assert found(band="high") == ["C-2", "C-3"]
    assert found(search="c-") == ["C-1", "C-2", "C-3"]
    assert (found(search="_"), found(search="%"), found(search="x")) == (["c_4"], ["D%5"], [])


@pytest.mark.parametrize(
    "cursor",
    [
        {}, {"id": "m1"}, {"time": "2026-01-01T00:00:00+00:00"}, {"time": "yesterday", "id": "m1"},
        {"time": "2026-01-01T00:00:00", "id": "m1"}, {"time": NOW.isoformat(), "id": 5}, {"risk": 5.0, "id": "m1"},
        {"time": NOW.isoformat(), "id": "m1", "more": 1}, {"time": NOW.isoformat(), "id": "m\0"},
        {"time": None, "id": ""},
    ],
)  # fmt: skip
def test_a_cursor_of_another_list_is_refused(store: Store, cursor: dict[str, Any]) -> None:
    with store.read() as session, pytest.raises(UsageError, match="the cursor is not one of this list"):
        messages.page(session, cursor=cursor)


@pytest.mark.parametrize("cursor", [{"risk": "5", "id": "C"}, {"risk": True, "id": "C"}, {"risk": None, "id": "C"}])
def test_a_number_of_a_cursor_must_be_one(store: Store, cursor: dict[str, Any]) -> None:
    with store.read() as session, pytest.raises(UsageError, match="cursor"):
        customers.page(session, cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, 1_001])
def test_a_page_has_a_bounded_size(store: Store, limit: int) -> None:
    with store.read() as session, pytest.raises(UsageError, match="expected 1 to 1,000"):
        messages.page(session, limit=limit)


def test_contacts_are_what_risk_needs(store: Store) -> None:
    outcome = {"status": "reopened", "csat": 0.25, "nps": 3, "revenue": 1200.0, "left": "2026-07-01", "more": "x"}
    with store.begin() as session:
        keep(
            session,
            row("m2", "C-1", at=NOW, ticket="T-9", outcome=outcome),
            row("m1", "C-1", at=NOW - days(1), said=scored(sentiment=None, churn=0.7), text=None),
            row("other", "C-2"),
        )
    with store.read() as session:
        first, second = messages.contacts(session, "C-1")
    assert [first.id, second.id] == ["m1", "m2"]
    assert (first.number, first.ticket, first.sentiment, first.polarity, first.text) == (1, "m1", "", 0.0, "")
    assert (first.churn, first.anger, first.urgency, first.priority) == (0.7, 0.8, "high", "high")
    assert (second.ticket, second.negative, second.positive) == ("T-9", 0.9, pytest.approx(0.05))
    assert second.polarity == pytest.approx(-0.85)
    left = datetime(2026, 7, 1, tzinfo=UTC)
    assert second.outcome == Outcome(status="reopened", csat=0.25, nps=3, revenue=1200.0, left=left)


def test_what_people_say_counts_in_the_risk(store: Store) -> None:
    with store.begin() as session:
        keep(session, *(row(f"m{n}", "C-1", at=NOW - days(n), said=scored(churn=0.4)) for n in range(4)))
        before, after = customers.judge(session, "C-1", NOW, WEIGHTS)
        assert (before, after) == ("low", session.get_one(Customer, "C-1").band)
        assert after in ("high", "critical")
        for number in range(4):
            for task, label in (("sentiment", "positive"), ("emotion", "none"), ("churn", "no"), ("topic", "praise")):
                feedback.on_message(session, f"m{number}", task=task, label=label, actor="user:lina", now=NOW)
        assert customers.judge(session, "C-1", NOW, WEIGHTS) == (after, "low")
        assert session.get_one(Customer, "C-1").risk == 0.0


def test_the_last_label_of_a_person_stands(store: Store) -> None:
    with store.begin() as session:
        keep(session, row("m1", "C-1"))
        for number, label in enumerate(("refund", "invoice")):
            at = NOW + days(number)
            found = feedback.on_message(session, "m1", task="topic", label=label, actor="user:lina", now=at)
            assert found is not None
            assert found.said == "charge"
        assert [each.topic for each in messages.contacts(session, "C-1")] == ["invoice"]
        assert [each.label for each in feedback.page(session).items] == ["invoice", "refund"]
        assert feedback.on_message(session, "m9", task="topic", label="refund", actor="a", now=NOW) is None
        assert feedback.on_customer(session, "C-9", task="left", actor="a", now=NOW) is None


def test_nobody_is_made_by_being_judged(store: Store) -> None:
    with store.begin() as session:
        assert customers.judge(session, "nobody", NOW, WEIGHTS) is None
        assert session.get(Customer, "nobody") is None


def test_a_judgement_is_written_down(store: Store) -> None:
    with store.begin() as session:
        keep(session, row("m1", "C-1", at=NOW - days(2), said=scored(churn=0.98), outcome={"revenue": 900.0}))
        keep(session, row("later", "C-1", at=NOW + days(1)))
        customers.judge(session, "C-1", NOW, WEIGHTS)
    with store.read() as session:
        found = session.get_one(Customer, "C-1")
    assert (found.band, found.trend, found.value) == ("critical" if found.risk >= 75 else "high", "rising", 900.0)
    assert (found.last_contact, found.judged_at, found.left_at) == (NOW - days(2), NOW, None)
    name, driver = next(iter(found.drivers.items()))
    assert (name, driver["evidence"]) == ("announced_leaving", ["m1"])
    assert sum(each["share"] for each in found.drivers.values()) == pytest.approx(1)


def test_whoever_is_said_to_have_left_is_gone_until_said_to_have_stayed(store: Store) -> None:
    with store.begin() as session:
        keep(session, row("m1", "C-1", at=NOW - days(20), outcome={"left": (NOW - days(1)).isoformat()}))
        assert customers.judge(session, "C-1", NOW, WEIGHTS)[1] == "left"
        feedback.on_customer(session, "C-1", task="stayed", actor="user:lina", now=NOW)
        assert customers.judge(session, "C-1", NOW, WEIGHTS)[1] != "left"
        day = (NOW - days(3)).date().isoformat()
        feedback.on_customer(session, "C-1", task="left", label=day, actor="user:lina", now=NOW + days(1))
        assert customers.judge(session, "C-1", NOW + days(2), WEIGHTS)[1] == "left"
        assert session.get_one(Customer, "C-1").left_at == datetime(2026, 5, 29, tzinfo=UTC)


def test_a_customer_without_contacts_is_at_no_risk(store: Store) -> None:
    with store.begin() as session:
        keep(session, row("m1", "C-1", said=scored(churn=0.98)))
        _, band = customers.judge(session, "C-1", NOW, WEIGHTS)
        session.execute(delete(Message))
        assert customers.judge(session, "C-1", NOW, WEIGHTS) == (band, "low")
        found = session.get_one(Customer, "C-1")
        assert (found.risk, found.drivers, found.last_contact) == (0.0, {}, None)
        assert customers.stale(session, NOW, limit=10) == []
        assert customers.stale(session, NOW + days(1), limit=10) == ["C-1"]


def test_a_job_is_given_to_one_worker_and_again_when_that_one_died(store: Store) -> None:
    with store.begin() as session:
        session.add_all([job("b", created_at=NOW + days(1)), job("a"), job("c", jobs.UPLOADED)])

    def claimed(now: datetime) -> str | None:
        with store.begin() as session:
            found = jobs.claim(session, now, silent_since=now - timedelta(minutes=1))
            return found.id if found else None

    assert [claimed(NOW), claimed(NOW), claimed(NOW)] == ["a", "b", None]
    with store.begin() as session:
        assert jobs.advance(session, "a", NOW + timedelta(minutes=2), done=10)
        assert not jobs.advance(session, "nothing", NOW)
    assert claimed(NOW + timedelta(minutes=2)) == "b"
    with store.read() as session:
        found = session.get_one(Job, "a")
        assert (found.done, found.state, found.started_at) == (10, jobs.RUNNING, NOW)


def test_a_cancelled_job_goes_no_further(store: Store) -> None:
    with store.begin() as session:
        session.add_all([job("a", jobs.RUNNING), job("b", jobs.RUNNING)])
    with store.begin() as session:
        assert jobs.cancel(session, "a", NOW)
        assert not jobs.cancel(session, "a", NOW)
        assert not jobs.advance(session, "a", NOW, done=5)
        assert not jobs.end(session, "a", jobs.DONE, NOW)
        assert jobs.end(session, "b", jobs.FAILED, NOW, error="the disk is full")
    with store.read() as session:
        assert {each.id: (each.state, each.done) for each in jobs.page(session).items} == {
            "a": (jobs.CANCELLED, 0), "b": (jobs.FAILED, 0),
        }  # fmt: skip
        assert [each.id for each in jobs.page(session, state=jobs.FAILED).items] == ["b"]


def test_two_workers_on_one_server_take_two_jobs(store: Store) -> None:
    with store.begin() as session:
        session.add_all([job("a"), job("b")])
    with store.begin() as first:
        one = jobs.claim(first, NOW, silent_since=NOW)
        assert one is not None
        if "postgresql" in store.name:  # SQLite lets one write at a time, so there is no second to be had meanwhile
            with store.begin() as second:
                other = jobs.claim(second, NOW, silent_since=NOW)
                assert other is not None
                assert {one.id, other.id} == {"a", "b"}


def test_audit_lines_are_paged_the_newest_first(store: Store) -> None:
    with store.begin() as session:
        for number in range(5):
            audit.note(session, actor="key:1", action=f"a{number}", now=NOW + days(number // 2), rows=number)

    def read(cursor: dict[str, Any] | None) -> Page[Any]:
        with store.read() as session:
            return audit.page(session, cursor=cursor, limit=2)

    assert through(read, lambda: None) == ["5", "4", "3", "2", "1"]


def test_customers_are_made_once_and_keep_their_first_day(store: Store) -> None:
    def made(session: Session, *ids: str) -> list[tuple[str, datetime]]:
        found = customers.ensure_all(session, ids, now=NOW + days(1))
        return [(each.id, each.created_at) for each in found]

    with store.begin() as session:
        assert customers.ensure_all(session, ["b"], now=NOW)[0].created_at == NOW
        assert made(session, "c", "b", "a", "c") == [("a", NOW + days(1)), ("b", NOW), ("c", NOW + days(1))]
        assert customers.ensure_all(session, []) == []
        assert customers.get(session, "d") is None
