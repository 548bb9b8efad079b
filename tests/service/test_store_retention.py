from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from kept import NOW, days, keep, row
from sqlalchemy import select

from pipeline.service.auth import logins, users
from pipeline.service.store import audit, customers, feedback, jobs
from pipeline.service.store.engine import Store
from pipeline.service.store.retention import Purged, purge
from pipeline.service.store.tables import Answered, Audit, Customer, Feedback, Job, Login, Message, Outgoing, Received

OLD, NEW = NOW - days(400), NOW - days(5)
LIMIT = NOW - days(365)


def fill(store: Store, uploads: Path) -> None:
    with store.begin() as session:
        keep(session, row("old", "C-old", at=OLD), row("new", "C-new", at=NEW), row("both", "C-new", at=OLD))
        keep(session, row("said", "C-said", at=OLD))
        customers.ensure_all(session, ["C-empty"], now=NEW)
        feedback.on_message(session, "old", task="topic", label="refund", actor="a", now=OLD)
        feedback.on_customer(session, "C-said", task="left", actor="a", now=NEW)
        for place, state in enumerate((jobs.DONE, jobs.RUNNING, jobs.UPLOADED, jobs.CANCELLED)):
            id = str(place) * 32
            ended = OLD if state in jobs.ENDED else None
            session.add(Job(id=id, state=state, filename="x", actor="a", created_at=OLD, finished_at=ended))
            (uploads / id).mkdir(parents=True)
            (uploads / id / "upload.csv").write_text("id,text\n", encoding="utf-8")
        session.add(Job(id="9" * 32, state=jobs.DONE, filename="x", actor="a", created_at=OLD, finished_at=NEW))
        for name, at in (("old", OLD), ("new", NEW)):
            audit.note(session, actor="a", action=name, now=at)
            session.add(Outgoing(id=name, event="e", body={}, state="sent", created_at=at, next_at=at))
            session.add(Received(provider="zendesk", event=name, created_at=at))
            session.add(Answered(key=name, actor="a", asked="0", status=200, body={}, created_at=at))
        session.add(Received(provider="zendesk", event="old enough", created_at=NOW - days(8)))
        session.add(Answered(key="today", actor="a", asked="0", status=200, body={}, created_at=NOW))


def names(store: Store, column: Any) -> set[Any]:
    with store.read() as session:
        return set(session.scalars(select(column)))


def test_what_is_old_goes_and_the_rest_stays(store: Store, tmp_path: Path) -> None:
    uploads = tmp_path / "uploads"
    fill(store, uploads)
    with store.begin() as session:
        assert purge(session, LIMIT, uploads=uploads, now=NOW) == Purged(messages=3, customers=1, jobs=3)
    assert names(store, Message.id) == {"new"}
    assert names(store, Customer.id) == {"C-new", "C-said", "C-empty"}
    assert names(store, Feedback.customer_id) == {"C-said"}
    assert names(store, Job.id) == {"1" * 32, "9" * 32}
    assert {path.name for path in uploads.iterdir()} == {"1" * 32}
    assert names(store, Audit.action) == names(store, Outgoing.id) == {"new"}
    assert names(store, Received.event) == {"new"}
    assert names(store, Answered.key) == {"today"}


def test_without_a_limit_only_what_serves_no_more_goes(store: Store, tmp_path: Path) -> None:
    fill(store, tmp_path)
    with store.begin() as session:
        users.create(session, "lina", "a long password", ["read"], now=NOW)
        for at in (NOW - days(2), NOW):
            logins.open(session, "lina", now=at)
        assert purge(session, None, uploads=tmp_path, now=NOW) == Purged(0, 0, 0)
    assert len(names(store, Message.id)) == 4
    assert names(store, Audit.action) == {"old", "new"}
    assert names(store, Received.event) == {"new"}
    assert names(store, Answered.key) == {"today"}
    assert names(store, Login.expires_at) == {NOW + logins.LASTS}


@pytest.mark.parametrize(("age", "stays"), [(0.5, True), (2, False)])
def test_a_folder_without_a_job_goes_after_a_day(store: Store, tmp_path: Path, age: float, stays: bool) -> None:
    folder = tmp_path / ("a" * 32)
    folder.mkdir()
    other = tmp_path / "not of a job"
    other.mkdir()
    for each in (folder, other):
        os.utime(each, ((NOW - days(age)).timestamp(),) * 2)
    with store.begin() as session:
        purge(session, None, uploads=tmp_path, now=NOW)
    assert folder.exists() == stays
    assert other.exists()
