"""The real process: its address, its port, its model, and clients that are slow on purpose."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from served import MakeApp
from typer.testing import CliRunner

from pipeline.cli import app as command_line
from pipeline.errors import UsageError
from pipeline.service import connection
from pipeline.service.auth import keys
from pipeline.service.garbage import YOUNG, settle
from pipeline.service.serve import check_keys, config, listen, parse_address, url
from pipeline.service.store.engine import Store

TEXT = "سفارشم هنوز نرسیده، لطفاً پیگیری کنید"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


def test_an_address_is_of_this_machine_or_of_others() -> None:
    own = {"localhost": "127.0.0.1", "127.0.0.1": "127.0.0.1", "::1": "::1"}
    assert {host: parse_address(host) for host in own} == {host: (address, True) for host, address in own.items()}
    assert [parse_address(host)[1] for host in ("0.0.0.0", "::", "192.168.1.7", "10.0.0.1")] == [False] * 4
    with pytest.raises(UsageError, match="is no address"):
        parse_address("example.org")


def test_a_public_address_is_refused_until_there_is_a_key(store: Store) -> None:
    assert not check_keys(store, "127.0.0.1", local=True)
    with pytest.raises(UsageError, match=r"0\.0\.0\.0 can be reached .* nabd keys create"):
        check_keys(store, "0.0.0.0", local=False)
    with store.begin() as session:
        keys.create(session, "desk", ["score"], None)
    assert check_keys(store, "0.0.0.0", local=False)
    assert check_keys(store, "127.0.0.1", local=True)


@pytest.mark.parametrize(("address", "shown"), [("127.0.0.1", "http://127.0.0.1:"), ("::1", "http://[::1]:")])
def test_the_address_shown_can_be_opened(address: str, shown: str) -> None:
    try:
        taken = listen(address, 0)
    except UsageError:
        pytest.skip("this machine has no IPv6")
    with taken:
        assert url(taken) == f"{shown}{taken.getsockname()[1]}"


def test_a_port_in_use_is_one_clear_error() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(UsageError, match=r"cannot be had .* --port"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_serve_refuses_a_public_address_before_it_loads_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NABD_SERVICE_DATABASE", f"sqlite:///{tmp_path / 'nabd.db'}")
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "serve", "--host", "0.0.0.0"]
    done = subprocess.run(
        [*command, "--port", "0", "--model", "no-such-model"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "nabd keys create" in done.stderr
    assert "no-such-model" not in done.stderr


def test_without_fastapi_the_command_says_what_to_install_and_the_rest_works() -> None:
    code = "import sys; sys.modules['fastapi'] = None; sys.argv = ['nabd', *{}]; from pipeline.cli import main; main()"
    for verb in ("serve", "doctor"):
        done = subprocess.run([sys.executable, "-c", code.format([verb])], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "pip install 'nabd[serve]'" in done.stderr
        assert "Traceback" not in done.stderr
    other = subprocess.run(
        [sys.executable, "-c", code.format(["--version"])], capture_output=True, text=True, check=False
    )
    assert other.returncode == 0


def test_the_command_line_does_not_load_the_service() -> None:
    heavy = ("fastapi", "uvicorn", "pydantic", "anyio", "sqlalchemy", "opentelemetry")
    code = f"import sys, pipeline.cli; sys.exit(any(n in sys.modules for n in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert CliRunner().invoke(command_line, ["serve", "--help"]).exit_code == 0


def test_tracing_is_loaded_only_when_it_is_asked_for() -> None:
    code = "import sys, pipeline.service.app; sys.exit('opentelemetry.sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@POSIX
@pytest.mark.parametrize(("stop", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_the_real_service_scores_reloads_and_stops_cleanly(stop: signal.Signals, code: int, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "serve", "--port", "0", "--threads", "1"]
    own = {"NABD_SERVICE_DATABASE": f"sqlite:///{tmp_path / 'nabd.db'}", "NABD_SERVICE_UPLOADS": str(tmp_path / "up")}
    with subprocess.Popen(
        [*command, "--model", "nabd-fast"], stderr=subprocess.PIPE, text=True, env={**os.environ, **own}
    ) as process:
        watchdog = threading.Timer(120, process.kill)
        watchdog.start()
        try:
            assert process.stderr
            line = next(line for line in process.stderr if "answers on" in line)
            address = json.loads(line)["message"].split("answers on ")[1].split()[0]
            body = {"messages": [{"text": TEXT, "customer": "c-1"}]}
            answer = httpx2.post(f"{address}/v1/score", json=body, trust_env=False, timeout=30)
            process.send_signal(signal.SIGHUP)
            assert any("answers from now on" in line for line in process.stderr)
            process.send_signal(stop)
            log = process.stderr.read()
            assert process.wait() == code
        finally:
            watchdog.cancel()
            process.kill()
    (result,) = answer.json()["results"]
    assert (result["language"], result["model"].partition("@")[0]) == ("fa", "nabd-fast")
    assert result["id"]
    assert "server" not in answer.headers
    assert "Traceback" not in log
    assert "سفارش" not in log


@contextmanager
def running(app: FastAPI) -> Iterator[int]:
    """Serves on a port of this machine, in a thread."""
    with listen("127.0.0.1", 0) as taken:
        server = uvicorn.Server(config(app, "127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield int(taken.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(30)


@pytest.fixture
def port(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A service that is soon out of patience."""
    monkeypatch.setattr(connection, "SECONDS", 0.3)
    with running(make_app()) as found:
        yield found


def request(path: str = "/v1/score", body: bytes = b'{"messages": [{"text": "hi"}]}') -> bytes:
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*lines, "", "")).encode() + body


def until_closed(client: socket.socket) -> bytes:
    """All that comes until the service ends the connection."""
    client.settimeout(20)
    found = b""
    try:
        while piece := client.recv(65_536):
            found += piece
    except ConnectionResetError:
        pass
    return found


@pytest.mark.parametrize("begun", [b"", b"POST /v1/sc", b"POST /v1/score HTTP/1.1\r\nHost: local"])
def test_a_connection_that_never_asks_is_ended(port: int, begun: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(begun)
        at = time.monotonic()
        assert until_closed(client) == b""
        assert time.monotonic() - at < 10


def test_a_second_request_that_never_comes_whole_is_ended(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(20)
        client.sendall(request())
        assert client.recv(65_536).startswith(b"HTTP/1.1 200 OK")
        client.sendall(b"POST /v1/sc")
        at = time.monotonic()
        until_closed(client)
        assert time.monotonic() - at < 4  # before uvicorn's own five seconds, which this byte called off


def test_a_head_without_end_is_cut_off(make_app: MakeApp) -> None:
    def endless(client: socket.socket) -> None:
        client.sendall(b"GET /health HTTP/1.1\r\n")
        for number in range(100_000):
            client.sendall(b"X-%d: " % number + b"a" * 1_000 + b"\r\n")

    with running(make_app()) as port, socket.create_connection(("127.0.0.1", port)) as client:
        at = time.monotonic()
        with pytest.raises(OSError, match=r"reset|[Bb]roken|abort"):
            endless(client)
        assert time.monotonic() - at < connection.SECONDS / 2


def test_a_client_that_reads_nothing_is_ended(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SECONDS", 0.3)
    with running(make_app()) as port, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect(("127.0.0.1", port))
        body = json.dumps({"messages": [{"text": "hello"}] * 1_000}).encode()
        client.settimeout(20)
        client.sendall(request(body=body) * 4)
        time.sleep(3)
        assert len(until_closed(client)) < 4 * 1_000_000  # of four answers of more than a million bytes each


def test_others_are_answered_beside_slow_ones(port: int) -> None:
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
    for client in slow:
        client.sendall(request()[:-5])  # the body never ends
    answer = httpx2.post(f"http://127.0.0.1:{port}/v1/score", content=request().partition(b"\r\n\r\n")[2],
                         headers={"content-type": "application/json"}, trust_env=False)  # fmt: skip
    assert answer.status_code == 200
    for client in slow:
        client.close()


def test_requests_in_progress_are_answered_when_the_service_stops(make_app: MakeApp, tiny_bundle: Any) -> None:
    from dataclasses import replace

    from pipeline.encoder import FakeEncoder

    begun = threading.Event()

    class Slow(FakeEncoder):
        def encode(self, texts: Any) -> Any:
            begun.set()
            time.sleep(0.3)
            return super().encode(texts)

    answers: list[httpx2.Response] = []
    with running(make_app(bundle=replace(tiny_bundle, encoder=Slow()))) as port:
        where = f"http://127.0.0.1:{port}/v1/score"
        body = {"messages": [{"text": "hi"}]}
        threads = [
            threading.Thread(target=lambda: answers.append(httpx2.post(where, json=body, trust_env=False)))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        assert begun.wait(20)
        time.sleep(0.1)
    for thread in threads:
        thread.join(20)
    assert [answer.status_code for answer in answers] == [200] * 3


def test_garbage_in_cycles_is_still_collected() -> None:
    class Cycle:
        itself: Any

    before = gc.get_threshold()
    try:
        settle()
        made = Cycle()
        made.itself, gone = made, weakref.ref(made)
        del made
        assert gone() is not None
        assert len([[] for _ in range(YOUNG + 1)]) > YOUNG
        assert gone() is None
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
