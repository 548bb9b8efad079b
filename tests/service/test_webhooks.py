from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from exports import TEXTS, as_csv, ended, rows
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from pipeline.errors import UsageError
from pipeline.route import Rule
from pipeline.service.settings import ServiceSettings
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Outgoing
from pipeline.service.webhooks import delivery
from pipeline.service.webhooks.delivery import DELAYS, MOST_TRIES, Delivery
from pipeline.service.webhooks.signing import check_urls, signer
from pipeline.settings import Settings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # of the specification's examples


@dataclass
class Desk:
    """A server of the tests' own that takes events."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def desk() -> Iterator[Desk]:
    found = Desk()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.got.append((dict(self.headers), body))
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def do_GET(self) -> None:
            found.got.append((dict(self.headers), b"GET"))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/hooks"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: datetime.now(UTC))  # the receiver's library looks at the real time

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def urgent(settings: Settings) -> Settings:
    """Everything on the column `now` is urgent."""
    last = settings.routes[-1]
    rule = Rule("now", "escalations", "urgent", 15, {"column:now": ("yes",)}, ("call",))
    return replace(settings, routes=(rule, last))


@pytest.fixture
def client(
    make_app: Callable[..., FastAPI], store: Store, service_settings: ServiceSettings, urgent: Settings, clock: Clock,
    desk: Desk,
) -> TestClient:  # fmt: skip
    told = replace(service_settings, webhook_urls=(desk.url,), webhook_secret=SECRET)
    return TestClient(make_app(store=store, service=told, settings=urgent, clock=clock), base_url="http://localhost")


@pytest.fixture
def sender(store: Store, desk: Desk, clock: Clock) -> Iterator[Delivery]:
    found = Delivery(store, (desk.url,), SECRET, clock=clock)
    yield found
    found.close()


def send(
    client: TestClient, clock: Clock, text: str, *, now: str = "yes", age: timedelta = timedelta(0), **more: Any
) -> None:
    time = (clock.now - age).isoformat()
    message = {"text": text, "customer": "عميل-7", "columns": {"now": now}, "time": time, **more}
    assert client.post("/v1/score", json={"messages": [message]}).status_code == 200


def events(store: Store, name: str = "message.escalated") -> list[Outgoing]:
    with store.read() as session:
        return list(session.scalars(select(Outgoing).where(Outgoing.event == name).order_by(Outgoing.created_at)))


@pytest.mark.parametrize("text", [TEXTS[0], TEXTS[2], TEXTS[4]])
def test_an_urgent_message_is_told_once_signed_and_without_its_words(
    client: TestClient, store: Store, desk: Desk, sender: Delivery, clock: Clock, text: str
) -> None:
    send(client, clock, text, id="m-1", ticket="t-9")
    send(client, clock, text, id="m-1", ticket="t-9")
    send(client, clock, text, id="m-2", now="no")
    (row,) = events(store)
    sent = sender.send_due()
    assert sent == len(desk.got) >= 1
    escalated = [got for got in desk.got if b"message.escalated" in got[1]]
    ((headers, body),) = escalated
    event = Webhook(SECRET).verify(body, headers)
    assert (event["type"], headers["webhook-id"]) == ("message.escalated", row.id)
    data = event["data"]
    assert (data["message"], data["customer"], data["ticket"], data["queue"]) == ("m-1", "عميل-7", "t-9", "escalations")
    assert (data["priority"], data["sla_minutes"], data["tags"]) == ("urgent", 15, ["call"])
    assert text not in body.decode()
    assert sender.send_due() == 0
    assert events(store)[0].state == "sent"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers)


def test_an_old_message_calls_nobody(client: TestClient, store: Store, clock: Clock) -> None:
    send(client, clock, TEXTS[4], age=timedelta(hours=25))
    assert events(store) == []


def test_a_rise_to_high_or_critical_is_told_once(client: TestClient, store: Store, clock: Clock) -> None:
    with_feedback = [TEXTS[n] for n in (0, 4)]
    for number, text in enumerate(with_feedback):
        send(client, clock, text, id=f"m-{number}", now="no", age=timedelta(hours=1 + number))
    for number in range(2):
        for task, label in (("churn", "yes"), ("sentiment", "negative"), ("emotion", "anger")):
            clock.now += timedelta(seconds=1)
            body = {"message": f"m-{number}", "task": task, "label": label}
            assert client.post("/v1/feedback", json=body).status_code == 201
    found = events(store, "customer.at_risk")
    bands = [row.body["event"]["data"]["band"] for row in found]
    assert bands in (["high", "critical"], ["critical"], ["high"])
    data = found[-1].body["event"]["data"]
    assert (data["customer"], found[-1].customer_id) == ("عميل-7", "عميل-7")
    assert data["previous_band"] != data["band"]
    assert data["drivers"]
    again = client.post("/v1/feedback", json={"message": "m-0", "task": "churn", "label": "yes"})
    assert again.status_code == 201
    assert len(events(store, "customer.at_risk")) == len(found)


def test_nothing_waits_where_nobody_listens(
    make_app: Callable[..., FastAPI], store: Store, urgent: Settings, clock: Clock
) -> None:
    send(TestClient(make_app(store=store, settings=urgent, clock=clock), base_url="http://localhost"), clock, TEXTS[0])
    assert events(store) == []


def test_a_failure_is_tried_again_ever_later_and_given_up_after_eight(
    client: TestClient, store: Store, desk: Desk, sender: Delivery, clock: Clock
) -> None:
    send(client, clock, TEXTS[0], id="a", customer=None)
    desk.status = 503
    waits = []
    for number in range(1, MOST_TRIES + 1):
        assert sender.send_due() == 0
        (row,) = events(store)
        assert (row.attempts, row.error) == (number, "answered 503")
        waits.append(row.next_at - clock.now)
        assert sender.send_due() == 0
        assert len([got for got in desk.got if b"escalated" in got[1]]) == number  # not before its time
        clock.now = row.next_at
    assert tuple(waits[:-1]) == DELAYS
    assert list(DELAYS) == sorted(DELAYS)
    assert row.state == "dead"
    desk.status = 200
    clock.now += timedelta(days=9)
    sender.send_due()
    assert events(store)[0].state == "dead"
    assert len({headers["webhook-id"] for headers, body in desk.got if b"escalated" in body}) == 1


def test_a_receiver_that_comes_back_gets_what_waits(
    client: TestClient, store: Store, desk: Desk, sender: Delivery, clock: Clock
) -> None:
    send(client, clock, TEXTS[0], id="a", customer=None)
    send(client, clock, TEXTS[2], id="b", customer=None)
    desk.status = 500
    assert sender.send_due() == 0
    assert len(desk.got) == 1  # the receiver is left alone after a failure
    desk.status = 204
    clock.now += timedelta(minutes=1)
    sender.send_due()
    assert {row.state for row in events(store)} == {"sent"}


def test_gone_is_the_end_of_it(client: TestClient, store: Store, desk: Desk, sender: Delivery, clock: Clock) -> None:
    send(client, clock, TEXTS[0], id="a", customer=None)
    desk.status = 410
    sender.send_due()
    assert events(store)[0].state == "dead"


def test_no_redirect_is_followed(client: TestClient, store: Store, desk: Desk, sender: Delivery, clock: Clock) -> None:
    send(client, clock, TEXTS[0], id="a", customer=None)
    desk.status, desk.headers = 302, {"location": desk.url + "/elsewhere"}
    assert sender.send_due() == 0
    assert not any(body == b"GET" for _, body in desk.got)
    assert events(store)[0].error == "answered 302"


def test_a_receiver_that_does_not_answer_is_a_failure(
    client: TestClient, store: Store, clock: Clock, desk: Desk
) -> None:
    send(client, clock, TEXTS[0], id="a", customer=None)
    unheard = Delivery(store, (desk.url.replace("127.0.0.1", "127.0.0.2").replace("/hooks", "/"),), SECRET, clock=clock)
    unheard.send_due()
    unheard.close()
    assert (events(store)[0].state, events(store)[0].error) == ("dead", "the settings no longer name its URL")


def test_a_connection_that_fails_is_tried_again(
    make_app: Callable[..., FastAPI], store: Store, service_settings: ServiceSettings, urgent: Settings, clock: Clock
) -> None:
    closed = "http://127.0.0.1:9/hooks"
    told = replace(service_settings, webhook_urls=(closed,), webhook_secret=SECRET)
    app = make_app(store=store, service=told, settings=urgent, clock=clock)
    send(TestClient(app, base_url="http://localhost"), clock, TEXTS[0], id="a", customer=None)
    sender = Delivery(store, (closed,), SECRET, clock=clock)
    assert sender.send_due() == 0
    sender.close()
    (row,) = events(store)
    assert (row.state, row.error, row.attempts) == ("waiting", "ConnectError", 1)


def test_every_receiver_gets_its_own_and_fails_alone(
    make_app: Callable[..., FastAPI], store: Store, service_settings: ServiceSettings, urgent: Settings, clock: Clock,
    desk: Desk,
) -> None:  # fmt: skip
    urls = ("http://127.0.0.1:9/hooks", desk.url)
    told = replace(service_settings, webhook_urls=urls, webhook_secret=SECRET)
    app = make_app(store=store, service=told, settings=urgent, clock=clock)
    send(TestClient(app, base_url="http://localhost"), clock, TEXTS[0])
    sender = Delivery(store, urls, SECRET, clock=clock)
    sender.send_due()
    sender.close()
    assert sorted(row.state for row in events(store)) == ["sent", "waiting"]
    assert not any("127.0.0.1" in json.dumps(row.body) for row in events(store))


def test_two_processes_do_not_send_the_same_event_at_once(
    client: TestClient, store: Store, desk: Desk, clock: Clock
) -> None:
    for number in range(6):
        send(client, clock, TEXTS[number], id=f"m-{number}")
    senders = [Delivery(store, (desk.url,), SECRET, clock=clock) for _ in range(3)]
    threads = [threading.Thread(target=each.send_due) for each in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in senders:
        each.close()
    ids = [headers["webhook-id"] for headers, _ in desk.got]
    assert len(ids) == len(set(ids))
    assert {row.state for row in events(store)} == {"sent"}


def test_a_try_that_was_cut_off_comes_up_again(
    client: TestClient, store: Store, sender: Delivery, clock: Clock
) -> None:
    send(client, clock, TEXTS[0])
    (row,) = events(store)
    assert sender._claim(row.id) is not None  # and then the process is killed
    assert sender._claim(row.id) is None
    clock.now += delivery.CLAIM
    assert sender.send_due() >= 1


def test_an_archive_calls_nobody_and_a_fresh_export_does(
    make_app: Callable[..., FastAPI], store: Store, service_settings: ServiceSettings, urgent: Settings, clock: Clock,
    desk: Desk,
) -> None:  # fmt: skip
    told = replace(service_settings, webhook_urls=(desk.url,), webhook_secret=SECRET)
    given = [{**row, "now": "yes", "created at": "2025-01-01"} for row in rows(20)]
    given[3]["created at"] = clock.now.isoformat()
    app = make_app(store=store, service=told, settings=urgent, clock=clock)
    with TestClient(app, base_url="http://localhost") as client:
        sent = client.post("/v1/jobs", files={"file": ("a.csv", as_csv(given, given[0]))})
        assert ended(client, sent.json()["id"])["state"] == "done"
    assert [row.body["event"]["data"]["message"] for row in events(store)] == ["m-3"]


@pytest.mark.parametrize("secret", ["", "short", "whsec_", "whsec_c2hvcnQ=", "not base64 at all !!!"])
def test_a_secret_that_signs_nothing_is_refused(secret: str) -> None:
    with pytest.raises(UsageError, match="whsec_"):
        signer(secret)


@pytest.mark.parametrize(
    "url", ["ftp://desk/x", "file:///etc/passwd", "desk.example/hooks", "http:///x", "https://u:p@desk/x", ""]
)
def test_a_url_that_events_cannot_go_to_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="webhook_urls"):
        check_urls([url])
