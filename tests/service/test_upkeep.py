from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from exports import TEXTS, as_csv, rows
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from pipeline.service.background import Background
from pipeline.service.settings import ServiceSettings
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Customer, Job, Message
from pipeline.service.upkeep import Upkeep


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: datetime(2026, 11, 20, 9, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(make_app: Callable[..., FastAPI], store: Store, clock: Clock) -> FastAPI:
    return make_app(store=store, clock=clock)


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, base_url="http://localhost")


def count(store: Store, table: Any) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_risk_fades_with_time_alone(app: FastAPI, client: TestClient, store: Store, clock: Clock) -> None:
    messages = [
        {"text": text, "customer": f"عميل-{n}", "id": f"m-{n}", "time": clock.now.isoformat()}
        for n, text in enumerate(TEXTS)
    ]
    client.post("/v1/score", json={"messages": messages})
    for n in range(len(TEXTS)):
        client.post("/v1/feedback", json={"message": f"m-{n}", "task": "churn", "label": "yes"})
    before = {each["id"]: each["risk"] for each in client.get("/v1/customers").json()["items"]}
    upkeep = Upkeep(app.state.service)
    upkeep()
    assert {each["id"]: each["risk"] for each in client.get("/v1/customers").json()["items"]} == before
    clock.now += timedelta(days=60)
    upkeep()
    after = {each["id"]: each["risk"] for each in client.get("/v1/customers").json()["items"]}
    assert all(after[id] < before[id] for id in before)


def test_an_upload_that_no_one_starts_goes_after_a_day(
    app: FastAPI, client: TestClient, store: Store, clock: Clock
) -> None:
    upload = {"file": ("a.csv", as_csv(rows(3)))}
    client.post("/v1/uploads", files=upload)
    queued = client.post("/v1/jobs", files=upload).json()["id"]
    clock.now += timedelta(hours=25)
    Upkeep(app.state.service)()
    assert [path.name for path in app.state.service.uploads.iterdir()] == [queued]
    assert count(store, Job) == 1


def test_what_is_kept_is_kept_only_so_long(
    make_app: Callable[..., FastAPI], store: Store, clock: Clock, service_settings: ServiceSettings
) -> None:
    from dataclasses import replace

    app = make_app(store=store, clock=clock, service=replace(service_settings, retention_days=30))
    client = TestClient(app, base_url="http://localhost")
    client.post("/v1/score", json={"messages": [{"text": TEXTS[2], "customer": "مشتری"}]})
    upkeep = Upkeep(app.state.service)
    clock.now += timedelta(days=29)
    upkeep()
    assert (count(store, Message), count(store, Customer)) == (1, 1)
    clock.now += timedelta(days=2)
    upkeep()
    assert (count(store, Message), count(store, Customer)) == (0, 0)


def test_what_runs_beside_the_requests_starts_and_ends_with_the_app(app: FastAPI) -> None:
    with TestClient(app):
        background = app.state.background
        assert isinstance(background, Background)
        assert background.worker._thread is not None
        assert background.worker._thread.is_alive()
    assert not background.worker._thread.is_alive()
