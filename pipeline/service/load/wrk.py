"""wrk (https://github.com/wg/wrk, Apache-2.0) and what it says: it takes so little of a core that it does not count."""

from __future__ import annotations

import json
import shutil
import subprocess  # nosec B404 # starts wrk, with arguments of our own
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from pipeline.errors import UsageError

CLIENTS = 64
TIMEOUT = 30  # seconds after which an answer that has not come is an error
ERRORS = ("connect", "read", "write", "status", "timeout")


@dataclass(frozen=True, slots=True)
class Load:
    """What `CLIENTS` saw that each asked again as soon as it was answered; milliseconds."""

    requests: int
    seconds: float
    errors: int
    p50: float
    p99: float
    p999: float
    longest: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def load(url: str, bodies: Path, seconds: float) -> Load:
    """Posts each line of `bodies` in turn to `url`. Raises UsageError where wrk is missing or says nothing."""
    program = shutil.which("wrk")
    if program is None:
        raise UsageError("the load is made by wrk, which is not installed: apt-get install wrk, or brew install wrk")
    with as_file(files("pipeline.service.load").joinpath("messages.lua")) as script:
        command = [program, "--threads", "1", "--connections", str(CLIENTS), "--duration", f"{seconds:.0f}s",
                   "--timeout", f"{TIMEOUT}s", "--script", str(script), url, "--", str(bodies)]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # nosec B603
    try:
        found = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        raise UsageError(f"wrk could not ask {url}: {done.stderr.strip() or done.stdout.strip()}") from None
    errors, took = sum(found[kind] for kind in ERRORS), found["microseconds"] / 1e6
    times = [found[name] / 1000 for name in ("p50", "p99", "p999", "longest")]
    return Load(found["requests"], took, errors, *times)
