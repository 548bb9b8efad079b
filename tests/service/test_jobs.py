from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from exports import TEXTS, as_csv, ended, read_csv, rows, send
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from pipeline.bundle import Bundle
from pipeline.errors import StoreError
from pipeline.output import cells
from pipeline.records import Message as Incoming
from pipeline.score import score
from pipeline.service.batching import Refused
from pipeline.service.jobs import intake
from pipeline.service.jobs.worker import Worker
from pipeline.service.state import Service
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Customer, Job, Message
from pipeline.settings import Settings

HERE = "http://localhost"
usage = type(shutil.disk_usage("."))


@pytest.fixture
def quiet(service_app: FastAPI) -> TestClient:
    """A client of a service whose worker does not run: what is queued stays queued."""
    return TestClient(service_app, base_url=HERE)


@pytest.fixture
def service(service_app: FastAPI) -> Service:
    found: Service = service_app.state.service
    return found


def expected(given: Sequence[dict[str, str]], bundle: Bundle, settings: Settings) -> list[dict[str, str]]:
    """What `nabd score` would write."""
    scored = score([Incoming(row["text"], row) for row in given], bundle, settings.routes)
    found = []
    for row, each in zip(given, scored, strict=True):
        plain = {name: "" if value is None else str(value) for name, value in cells(each).items()}
        found.append({**row, **plain})
    return found


def test_an_export_is_scored_kept_and_downloaded(
    client: TestClient, store: Store, tiny_bundle: Bundle, settings: Settings
) -> None:
    given = rows(200)
    sent = send(client, as_csv(given), "شكاوى العملاء.csv")
    assert sent.status_code == 202
    assert sent.json()["state"] == "queued"
    job = ended(client, sent.json()["id"])
    assert (job["state"], job["rows"], job["done"], job["rejected"], job["progress"]) == ("done", 200, 200, 0, 1.0)
    assert job["columns"] == {
        "text": "text", "customer": "customer id", "time": "created at", "id": "message id", "ticket": "ticket id",
    }  # fmt: skip
    assert job["filename"] == "شكاوى العملاء.csv"
    assert job["model"] == tiny_bundle.version
    assert sum(job["summary"]["counts"]["category"].values()) == job["summary"]["kept"] == 200
    result = client.get(f"/v1/jobs/{job['id']}/result")
    assert read_csv(result.content) == expected(given, tiny_bundle, settings)
    assert "attachment" in result.headers["content-disposition"]
    assert result.headers["content-type"] == "application/octet-stream"
    assert client.get(f"/v1/jobs/{job['id']}/rejects").status_code == 404
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 200
        assert session.scalar(select(func.count()).select_from(Customer).where(Customer.judged_at.is_not(None))) == 7
        one = session.get(Message, "m-2")
        assert one is not None
        assert (one.customer_id, one.ticket, one.source, one.language) == ("customer-002", "t-2", job["id"], "fa")
        assert one.time.isoformat() == "2026-11-03T08:02:00+00:00"
    listed = client.get("/v1/jobs", params={"state": "done"}).json()["items"]
    assert [each["id"] for each in listed] == [job["id"]]


def test_an_upload_is_described_without_its_rows_and_then_started(client: TestClient) -> None:
    header = ("الرقم المرجعي", "متن پیام", "مشتری", "words")
    given = [dict(zip(header, (f"{n}", TEXTS[n % 6], f"c{n}", f"other words {n}"), strict=True)) for n in range(20)]
    sent = send(client, as_csv(given, header), "پیام‌ها.csv", path="/v1/uploads")
    assert sent.status_code == 201
    found = sent.json()
    assert found["columns"] == list(header)
    assert (found["roles"]["text"], found["roles"]["customer"]) == ("متن پیام", "مشتری")
    assert (found["format"], found["problem"]) == ("csv", "")
    assert not any(text in sent.text for text in TEXTS)
    assert client.get(f"/v1/jobs/{found['id']}").json()["state"] == "uploaded"
    started = client.post("/v1/jobs", json={"upload": found["id"], "columns": {"text": "words"}})
    assert started.status_code == 202
    assert ended(client, found["id"])["columns"]["text"] == "words"
    again = client.post("/v1/jobs", json={"upload": found["id"]})
    assert (again.status_code, again.json()["detail"]) == (409, "the job of this upload is done already")


def test_the_same_key_makes_one_job(quiet: TestClient, service: Service) -> None:
    keyed = {"Idempotency-Key": "once"}
    answers = [
        quiet.post("/v1/jobs", files={"file": ("a.csv", as_csv(rows(3)))}, headers=keyed).json() for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert [path.name for path in service.uploads.iterdir()] == [answers[0]["id"]]
    other = quiet.post("/v1/jobs", files={"file": ("a.csv", as_csv(rows(4)))}, headers=keyed)
    assert other.status_code == 422


class Stop(BaseException):
    """What a kill does to a thread, as near as a test can come in one process."""


class Slow:
    """A batcher that does something before a piece is scored."""

    def __init__(self, inner: Any, before: Callable[[int], None]) -> None:
        self._inner, self._before, self.pieces = inner, before, 0

    def score_sync(self, messages: Sequence[Incoming]) -> Any:
        self.pieces += 1
        self._before(self.pieces)
        return self._inner.score_sync(messages)


def with_batcher(service: Service, before: Callable[[int], None]) -> Service:
    from dataclasses import replace

    return replace(service, batcher=Slow(service.batcher, before))  # type: ignore[arg-type]


def test_a_job_that_was_killed_is_taken_up_again_and_its_output_is_exact(
    quiet: TestClient, service: Service, store: Store, tiny_bundle: Bundle, settings: Settings
) -> None:
    given = rows(300)
    job = send(quiet, as_csv(given)).json()["id"]

    def killed(piece: int) -> None:
        if piece == 3:
            raise Stop

    first = Worker(with_batcher(service, killed))
    with pytest.raises(Stop):
        first.work()
    half = quiet.get(f"/v1/jobs/{job}").json()
    assert (half["state"], half["done"], half["rows"]) == ("running", 128, 300)
    assert Worker(service).work() is False  # the first one's process still lives
    first.stop()
    assert Worker(service).work() is True
    done = quiet.get(f"/v1/jobs/{job}").json()
    assert (done["state"], done["done"], done["summary"]["kept"]) == ("done", 300, 300)
    assert read_csv(quiet.get(f"/v1/jobs/{job}/result").content) == expected(given, tiny_bundle, settings)
    assert sorted(path.name for path in (service.uploads / job).iterdir()) == ["result.csv", "upload.csv"]
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 300


SCRIPT = """
import sys, time
from pathlib import Path
from pipeline.bundle import load
from pipeline.encoder import FakeEncoder
from pipeline.service.app import create_app
from pipeline.service.jobs.worker import Worker
from pipeline.service.settings import ServiceSettings
from pipeline.service.store.engine import Store
from pipeline.settings import load_settings

class Slow(FakeEncoder):
    def encode(self, texts):
        time.sleep(0.1)
        return super().encode(texts)

bundle, database, uploads = sys.argv[1:]
app = create_app(load(Path(bundle), encoder=Slow()), load_settings(environment={}), ServiceSettings(uploads=uploads), store=Store.open(database))
Worker(app.state.service).work()
"""  # noqa: E501


def test_kill_9_in_the_middle_of_a_job_loses_nothing(
    quiet: TestClient, service: Service, database: str, bundle_folder: Path, store: Store
) -> None:
    given = rows(400)
    job = send(quiet, as_csv(given)).json()["id"]
    command = [sys.executable, "-c", SCRIPT, str(bundle_folder), database, str(service.uploads)]
    with subprocess.Popen(command) as process:
        until = time.monotonic() + 120
        while quiet.get(f"/v1/jobs/{job}").json()["done"] < 128 and time.monotonic() < until:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert quiet.get(f"/v1/jobs/{job}").json()["state"] == "running"
    with store.read() as session:
        kept = set(session.scalars(select(Message.id)))
    assert 128 <= len(kept) < 400
    assert Worker(service).work() is True
    done = quiet.get(f"/v1/jobs/{job}").json()
    assert (done["state"], done["done"]) == ("done", 400)
    result = read_csv(quiet.get(f"/v1/jobs/{job}/result").content)
    assert [row["message id"] for row in result] == [row["message id"] for row in given]
    with store.read() as session:
        assert set(session.scalars(select(Message.id))) == {row["message id"] for row in given}


def test_a_job_that_ends_the_process_each_time_is_given_up(quiet: TestClient, service: Service) -> None:
    job = send(quiet, as_csv(rows(3))).json()["id"]

    def killed(piece: int) -> None:
        raise Stop

    for _ in range(3):
        worker = Worker(with_batcher(service, killed))
        with pytest.raises(Stop):
            worker.work()
        worker.stop()
    assert Worker(service).work() is True
    found = quiet.get(f"/v1/jobs/{job}").json()
    assert found["state"] == "failed"
    assert "3 times" in found["error"]


def test_a_job_that_is_cancelled_between_two_pieces_leaves_no_trace(
    quiet: TestClient, service: Service, store: Store
) -> None:
    job = send(quiet, as_csv(rows(300))).json()["id"]

    def cancelled(piece: int) -> None:
        if piece == 3:
            assert quiet.delete(f"/v1/jobs/{job}").status_code == 204

    worker = Worker(with_batcher(service, cancelled))
    assert worker.work() is True
    assert quiet.get(f"/v1/jobs/{job}").json()["state"] == "cancelled"
    assert not (service.uploads / job).exists()
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0
        assert session.scalar(select(func.count()).select_from(Customer)) == 0
    again = quiet.post("/v1/jobs", json={"upload": job})
    assert again.status_code == 404


def test_a_cancel_that_was_cut_short_is_finished_by_asking_again_or_at_the_next_start(
    quiet: TestClient, service: Service, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def messages() -> int:
        with store.read() as session:
            return session.scalar(select(func.count()).select_from(Message)) or 0

    def stops(*_: Any) -> None:
        raise StoreError("the database went away")

    for finish in (lambda job: quiet.delete(f"/v1/jobs/{job}"), lambda _: Worker(service).work()):
        job = send(quiet, as_csv(rows(200))).json()["id"]

        def stopped(piece: int) -> None:
            if piece == 3:
                raise Refused

        worker = Worker(with_batcher(service, stopped))
        with pytest.raises(Refused):
            worker.work()
        worker.stop()
        with monkeypatch.context() as patch:
            patch.setattr(intake, "undo", stops)
            assert quiet.delete(f"/v1/jobs/{job}").status_code == 503
        assert messages() == 128
        finish(job)
        assert messages() == 0


def test_a_store_that_goes_away_is_no_fault_of_the_job(
    quiet: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, given = send(quiet, as_csv(rows(3))).json()["id"], []

    def stops(*_: Any) -> None:
        given.append(True)
        raise StoreError("the database went away")

    worker = Worker(service)
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.service.jobs.run.Run._end", stops)
        worker.start()
        end = time.monotonic() + 60
        while len(given) < 5 and time.monotonic() < end:
            worker.wake()
            time.sleep(0.01)
    worker.wake()
    assert ended(quiet, job)["state"] == "done"
    assert len(given) >= 5
    worker.stop()


def test_a_cancel_takes_back_no_message_that_was_there_before(
    client: TestClient, service: Service, store: Store, service_app: FastAPI
) -> None:
    before = {"text": TEXTS[3], "id": "m-1", "customer": "customer-001", "time": "2026-11-02T08:00:00Z"}
    assert client.post("/v1/score", json={"messages": [before]}).status_code == 200
    service_app.state.background.worker.stop()
    job = send(client, as_csv(rows(200))).json()["id"]
    from dataclasses import replace
    from datetime import timedelta

    later = replace(service, clock=lambda: service.clock() + timedelta(hours=1))

    def cancelled(piece: int) -> None:
        if piece == 3:
            client.delete(f"/v1/jobs/{job}")

    Worker(with_batcher(later, cancelled)).work()
    with store.read() as session:
        assert set(session.scalars(select(Message.id))) == {"m-1"}
        assert set(session.scalars(select(Customer.id))) == {"customer-001"}


def test_a_finished_job_loses_its_files_and_keeps_its_messages(client: TestClient, store: Store) -> None:
    job = ended(client, send(client, as_csv(rows(5))).json()["id"])["id"]
    assert client.delete(f"/v1/jobs/{job}").status_code == 204
    assert client.get(f"/v1/jobs/{job}").json()["state"] == "done"
    assert client.get(f"/v1/jobs/{job}/result").status_code == 404
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 5


def test_a_job_that_fails_says_why_and_leaves_nothing(
    quiet: TestClient, service: Service, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    job = send(quiet, as_csv(rows(200))).json()["id"]

    words = TEXTS[4]

    def fails(piece: int) -> None:
        if piece == 2:
            raise RuntimeError(words)

    Worker(with_batcher(service, fails)).work()
    found = quiet.get(f"/v1/jobs/{job}").json()
    assert (found["state"], found["error"]) == ("failed", "a fault of Nabd; its log says where")
    assert "RuntimeError" in caplog.text
    assert words not in caplog.text
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0
    assert [path.name for path in (service.uploads / job).iterdir()] == ["upload.csv"]
    assert quiet.post("/v1/jobs", json={"upload": job}).status_code == 202


def test_the_service_stops_in_the_middle_of_a_job_and_goes_on_with_it_later(
    make_app: Callable[..., FastAPI], store: Store, tiny_bundle: Bundle
) -> None:
    app = make_app(store=store)
    with TestClient(app, base_url=HERE) as client:
        job = send(client, as_csv(rows(600))).json()["id"]
        until = time.monotonic() + 20
        while client.get(f"/v1/jobs/{job}").json()["done"] == 0 and time.monotonic() < until:
            time.sleep(0.01)
    with store.read() as session:
        row = session.get(Job, job)
        assert row is not None
        assert (row.state, row.summary["tries"]) == ("queued", 0)
    with TestClient(make_app(store=store), base_url=HERE) as client:
        assert ended(client, job, seconds=60)["done"] == 600


def test_an_erased_customer_is_gone_from_uploads_and_results(
    client: TestClient, service: Service, store: Store
) -> None:
    done = ended(client, send(client, as_csv(rows(50))).json()["id"])["id"]
    waiting = send(client, as_csv(rows(30)), path="/v1/uploads").json()["id"]
    assert client.delete("/v1/customers/customer-003").status_code == 204
    for path in service.uploads.rglob("*.csv"):
        assert b"customer-003" not in path.read_bytes()
        assert b"customer-004" in path.read_bytes()
    left = read_csv(client.get(f"/v1/jobs/{done}/result").content)
    assert len(left) == len([row for row in rows(50) if row["customer id"] != "customer-003"])
    assert client.get(f"/v1/jobs/{waiting}").json()["state"] == "uploaded"
    with store.read() as session:
        assert session.get(Customer, "customer-003") is None
        assert "customer-003" not in session.get_one(Job, done).customers
    assert client.delete("/v1/customers/customer-003").status_code == 404


def test_an_erasure_stops_the_job_that_runs_on_the_customers_file(
    quiet: TestClient, service: Service, store: Store
) -> None:
    job = send(quiet, as_csv(rows(300))).json()["id"]

    def erased(piece: int) -> None:
        if piece == 3:
            assert quiet.delete("/v1/customers/customer-003").status_code == 204

    worker = Worker(with_batcher(service, erased))
    worker.work()
    found = quiet.get(f"/v1/jobs/{job}").json()
    assert found["state"] == "cancelled"
    assert "erased" in found["error"]
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0
    assert quiet.post("/v1/jobs", json={"upload": job}).status_code == 202
    worker.stop()
    Worker(service).work()
    with store.read() as session:
        assert session.get(Customer, "customer-003") is None
        assert session.get(Customer, "customer-004") is not None
    assert b"customer-003" not in quiet.get(f"/v1/jobs/{job}/result").content


def test_ids_that_repeat_or_belong_to_others_lose_no_message(client: TestClient, store: Store) -> None:
    mine = {"text": TEXTS[4], "id": "m-0", "customer": "someone-else"}
    client.post("/v1/score", json={"messages": [mine]})
    given = rows(6)
    for row in given[3:]:
        row["message id"] = "m-2"
    job = ended(client, send(client, as_csv(given)).json()["id"])
    assert job["summary"]["kept"] == 6
    with store.read() as session:
        found = {row.id: row.customer_id for row in session.scalars(select(Message))}
    assert found["m-0"] == "someone-else"
    assert (found[f"{job['id']}:1"], found["m-2"], found[f"{job['id']}:5"]) == (
        "customer-000", "customer-002", "customer-004",
    )  # fmt: skip
    assert len(found) == 7


def test_dates_and_ratings_are_read_by_the_whole_file(client: TestClient, store: Store) -> None:
    given = [
        {"text": f"{TEXTS[n % 6]} {n}", "customer": f"c{n}", "date": "03/04/2026", "csat": "1"} for n in range(150)
    ]
    given[149] |= {"date": "03/28/2026", "csat": "100"}  # months come first; ratings go up to 100
    job = ended(client, send(client, as_csv(given, given[0])).json()["id"])
    assert job["state"] == "done", job["error"]
    with store.read() as session:
        row = session.get_one(Message, f"{job['id']}:1")
    assert row.time.isoformat() == "2026-03-04T00:00:00+00:00"
    assert row.outcome["csat"] == 0.01


def test_hostile_cells_do_not_stop_a_job(client: TestClient, store: Store) -> None:
    cells = [
        {"text": "a\u0000b hello there my friend", "customer": "nul\u0000", "id": "1"},
        {"text": "hello there my friend \ud800", "customer": "half", "id": "2"},
        {"text": "hello there my friend", "customer": "x" * 500, "id": "3"},
        {"text": "سلام دوست من، حالت چطوره", "customer": "ok", "id": "y" * 500},
    ]
    content = "\n".join(json.dumps(row) for row in cells).encode()
    job = ended(client, send(client, content, "a.jsonl").json()["id"])
    assert (job["state"], job["summary"]["kept"]) == ("done", 3), job["error"]
    with store.read() as session:
        assert set(session.scalars(select(Customer.id))) == {"nul\ufffd", "half", "ok"}
