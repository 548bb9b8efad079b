from __future__ import annotations

import signal
import subprocess
import sys
import threading

import httpx2
import pytest
from typer.testing import CliRunner

from pipeline.cli import app as command_line
from pipeline.errors import UsageError
from pipeline.service.serve import listen, loopback, url

TEXT = "سفارشم هنوز نرسیده، لطفاً پیگیری کنید"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "10.0.0.1"])
def test_an_address_that_others_can_reach_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match=r"reverse proxy.*on this machine"):
        loopback(host)


def test_addresses_of_this_machine_are_taken() -> None:
    assert [loopback(host) for host in ("localhost", "127.0.0.1", "::1")] == ["127.0.0.1", "127.0.0.1", "::1"]
    with pytest.raises(UsageError, match="is no address"):
        loopback("example.org")


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


def test_serve_refuses_a_public_address_before_it_loads_anything() -> None:
    result = CliRunner().invoke(command_line, ["serve", "--host", "0.0.0.0", "--model", "no-such-model"])
    assert isinstance(result.exception, UsageError)


def test_without_fastapi_the_command_says_what_to_install_and_the_rest_works() -> None:
    code = "import sys; sys.modules['fastapi'] = None; sys.argv = ['nabd', *{}]; from pipeline.cli import main; main()"
    serve = subprocess.run([sys.executable, "-c", code.format(["serve"])], capture_output=True, text=True, check=False)
    assert serve.returncode == 2
    assert "pip install 'nabd[serve]'" in serve.stderr
    assert "Traceback" not in serve.stderr
    other = subprocess.run(
        [sys.executable, "-c", code.format(["--version"])], capture_output=True, text=True, check=False
    )
    assert other.returncode == 0


def test_the_command_line_does_not_load_the_service() -> None:
    code = (
        "import sys, pipeline.cli; sys.exit(any(n in sys.modules for n in ('fastapi', 'uvicorn', 'pydantic', 'anyio')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a process can answer")
@pytest.mark.parametrize(("stop", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_the_real_service_scores_with_the_shipped_model_and_stops_cleanly(stop: signal.Signals, code: int) -> None:
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "serve", "--port", "0", "--threads", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            assert process.stderr
            line = next(line for line in process.stderr if "answers on" in line)
            address = line.split("answers on ")[1].split()[0]
            answer = httpx2.post(f"{address}/v1/score", json={"messages": [{"text": TEXT}]}, trust_env=False)
            process.send_signal(stop)
            log = process.stderr.read()
            assert process.wait() == code
        finally:
            watchdog.cancel()
            process.kill()
    (result,) = answer.json()["results"]
    assert (result["language"], result["model"].partition("@")[0]) == ("fa", "nabd-base")
    assert "server" not in answer.headers
    assert "POST /v1/score 200" in log
    assert "Traceback" not in log
    assert "سفارش" not in log
