"""Faults of a real service: it is killed, its model is killed, its database goes away, its clients are hostile."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path

import httpx2
import pytest
from postgres import Postgres
from real import LONG, TEXTS, Real, is_running, kept, real
from sqlalchemy import select

from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Message

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc and kills processes")
TEN_MEGABYTES = 10_000_000
BOUND = 300e6  # bytes that a process may grow by
BODY_SECONDS = 1.0
Posted = Callable[[int], httpx2.Response]


class Crowd:
    """Threads that ask one request after the other until they are stopped; what each was answered."""

    def __init__(self, ask: Posted, *, size: int = 6) -> None:
        self.answers: list[tuple[int, httpx2.Response]] = []
        self.broken = 0  # connections that ended without an answer
        self._ask, self._numbers, self._stopped = ask, count(), threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(size)]

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(LONG)

    def until(self, holds: Callable[[], bool]) -> None:
        ends = time.monotonic() + LONG
        while not holds():
            assert time.monotonic() < ends
            time.sleep(0.01)

    @property
    def acknowledged(self) -> set[int]:
        return {number for number, answer in self.answers if answer.status_code == 200}

    def _run(self) -> None:
        while not self._stopped.is_set():
            number = next(self._numbers)
            try:
                self.answers.append((number, self._ask(number)))
            except httpx2.TransportError:
                self.broken += 1
                time.sleep(0.01)


def keeping(service: Real) -> Posted:
    """Each number a message, of one of a few customers."""
    return lambda number: service.post(kept(f"m-{number}", f"c-{number % 5}", TEXTS[number % len(TEXTS)]))


def ids(database: str) -> set[str]:
    """Of the messages that are in a store."""
    store = Store.open(database)
    with store.read() as session:
        found = set(session.scalars(select(Message.id)))
    store.close()
    return found


def test_kill_9_during_writes_loses_nothing_that_was_acknowledged(database: str, tmp_path: Path) -> None:
    with real(database, tmp_path) as service:
        children = service.children()
        assert children
        with Crowd(keeping(service)) as crowd:
            crowd.until(lambda: len(crowd.acknowledged) >= 40)
            service.process.send_signal(signal.SIGKILL)
            service.process.wait()
        acknowledged = crowd.acknowledged
        crowd.until(lambda: not any(map(is_running, children)))  # nothing of it is left behind
    assert acknowledged
    with real(database, tmp_path) as service:
        assert {f"m-{number}" for number in acknowledged} <= ids(database)
        assert service.post(kept("m-after", "c-1")).status_code == 200
        listed = httpx2.get(f"{service.address}/v1/customers/c-1", trust_env=False, timeout=LONG)
        assert listed.status_code == 200


def test_postgresql_restarted_under_load_fails_requests_cleanly_and_they_recover(
    postgresql: Postgres, tmp_path: Path
) -> None:
    database = postgresql.url()
    with real(database, tmp_path) as service:
        with Crowd(keeping(service)) as crowd:
            crowd.until(lambda: len(crowd.answers) >= 20)
            postgresql.stop()
            crowd.until(lambda: any(answer.status_code == 503 for _, answer in crowd.answers))
            assert service.post({"messages": [{"text": TEXTS[1]}]}).status_code == 200  # nothing to keep
            postgresql.start()
            before = len(crowd.acknowledged)
            crowd.until(lambda: len(crowd.acknowledged) >= before + 20)
        assert crowd.broken == 0
        refused = [answer for _, answer in crowd.answers if answer.status_code != 200]
        assert {answer.status_code for answer in refused} == {503}
        assert {answer.headers["content-type"] for answer in refused} == {"application/problem+json"}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
        assert service.process.poll() is None
    assert {f"m-{number}" for number in crowd.acknowledged} <= ids(database)
    assert not any(text in line for line in service.log for text in (*TEXTS, "Traceback"))
    postgresql.drop(database)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    """One that is soon out of patience with a body."""
    folder = tmp_path_factory.mktemp("faults")
    with real(f"sqlite:///{folder / 'nabd.db'}", folder, body_timeout_ms=round(BODY_SECONDS * 1000)) as found:
        yield found


def test_the_process_of_the_model_is_killed_under_load_and_no_request_fails(service: Real) -> None:
    with Crowd(lambda number: service.post({"messages": [{"text": TEXTS[number % len(TEXTS)]}]})) as crowd:
        for killed in range(2):
            crowd.until(lambda: len(crowd.answers) >= 30 * (killed + 1))  # noqa: B023
            model = service.model()
            assert model
            os.kill(model, signal.SIGKILL)
            crowd.until(lambda: service.model() not in (None, model))  # noqa: B023
            at = len(crowd.answers)
            crowd.until(lambda: len(crowd.answers) >= at + 10)  # noqa: B023
    assert crowd.broken == 0
    assert {answer.status_code for _, answer in crowd.answers} == {200}


def resident(process: int) -> int:
    """Bytes."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def one(text: bytes) -> bytes:
    return b'{"messages": [{"text": "' + text + b'"}]}'


HOSTILE = {
    "10 MB in one message": (one(b"a" * TEN_MEGABYTES), 422),
    "10 MB in a thousand": (b'{"messages": [%b]}' % b", ".join([b'{"text": "%b"}' % (b"a " * 5_000)] * 1_000), None),
    "10 MB of other fields": (b'{"messages": [{"text": "a", "columns": {"x": "' + b"a" * TEN_MEGABYTES + b'"}}]}', 422),
    "over the limit": (one(b"a" * 33 * 1024 * 1024), 413),
    "invalid UTF-8": (one("سفارشم".encode() + b"\xff\xfe"), 400),
    "10 MB of invalid UTF-8": (one(b"\xff" * TEN_MEGABYTES), 400),
    "nested 40 deep": (one(b"a")[:-2] + b', "columns": {"x": ' + b"[" * 40 + b"]" * 40 + b"}}]}", 400),
    "nested 5,000,000 deep": (b"[" * (TEN_MEGABYTES // 2) + b"]" * (TEN_MEGABYTES // 2), 400),
    "a number of 10 MB": (b'{"messages": [{"text": ' + b"9" * TEN_MEGABYTES + b"}]}", 400),
    "10 MB of quotes in a string without an end": (b'"' + b'\\"' * (TEN_MEGABYTES // 2), 422),
    "no JSON": (b"\0" * TEN_MEGABYTES, 422),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_answered_soon_and_leaves_nothing_behind(service: Real, name: str) -> None:
    body, status = HOSTILE[name]
    processes = [service.process.pid, *service.children()]
    before = sum(map(resident, processes))
    begun = time.monotonic()
    answer = service.post(body)
    assert time.monotonic() - begun < 20
    assert answer.status_code == status if status else answer.status_code in (200, 503)  # 503: past the deadline
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert len(answer.content) < 10_000
    assert service.post({"messages": [{"text": TEXTS[1]}]}).status_code == 200
    assert sum(map(resident, processes)) < before + BOUND


def head(length: int) -> bytes:
    return (
        "POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def ended(client: socket.socket) -> bytes:
    """All that comes until the service ends the connection."""
    client.settimeout(LONG)
    found = b""
    with suppress(ConnectionResetError):
        while piece := client.recv(65_536):
            found += piece
    return found


def test_who_dribbles_a_body_is_told_so_and_cut_off(service: Real) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as client:
        begun = time.monotonic()
        client.sendall(head(1_000))
        with suppress(BrokenPipeError, ConnectionResetError):
            for letter in one(b"a" * 900):
                client.sendall(bytes([letter]))
                time.sleep(0.02)
                if time.monotonic() - begun > 5 * BODY_SECONDS:
                    break
        answer = ended(client)
    assert time.monotonic() - begun < 10 * BODY_SECONDS
    assert b"408" in answer.partition(b"\r\n")[0]


def test_half_open_connections_are_ended_and_others_are_answered_meanwhile(service: Real) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(("127.0.0.1", service.port))) for _ in range(200)]
        for client in silent:
            client.sendall(head(1_000) + b'{"messages"')
        begun = time.monotonic()
        assert service.post({"messages": [{"text": TEXTS[2]}]}).status_code == 200
        answers = [ended(client) for client in silent]
        assert time.monotonic() - begun < 20
    assert all(b"408" in answer.partition(b"\r\n")[0] for answer in answers)
