"""`nabd serve` as a process of its own, to be put under load and killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

CODE = "from pipeline.cli import main; main()"
COMMAND = (sys.executable, "-c", CODE, "serve", "--port", "0", "--model", "nabd-fast")
READY, LONG = 120.0, 60.0  # seconds: no test waits so long
TEXTS = ("خصمتوا المبلغ مرتين ومحد رد علي", "سفارشم هنوز نرسیده، پیگیری کنید", "I was charged twice, I am leaving")


@dataclass(frozen=True)
class Real:
    """A running service; `log` is all that it has written."""

    process: subprocess.Popen[str]
    address: str
    log: list[str]

    def post(self, body: Any, path: str = "/v1/score", **options: Any) -> httpx2.Response:
        given = {"content": body, "headers": {"content-type": "application/json"}}
        if not isinstance(body, bytes):
            given = {"json": body}
        return httpx2.post(f"{self.address}{path}", **given, **options, trust_env=False, timeout=LONG)

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def children(self) -> list[int]:
        """The processes that it began, from whichever of its threads."""
        listed = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(word) for path in listed for word in _read(path).split()]

    def model(self) -> int | None:
        """The process of the model; None while there is none."""
        commands = {child: _read(Path(f"/proc/{child}/cmdline")) for child in self.children()}
        return next((child for child, command in commands.items() if b"spawn_main" in command), None)


def _read(path: Path) -> bytes:
    """A file of /proc; nothing once its process or thread has ended."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


@contextmanager
def real(database: str, folder: Path, **settings: object) -> Iterator[Real]:
    """Serves with `database`; `settings` are those of the service."""
    given = {"database": database, "uploads": folder / "uploads", **settings}
    own = {f"NABD_SERVICE_{name.upper()}": str(value) for name, value in given.items()}
    with subprocess.Popen(COMMAND, stderr=subprocess.PIPE, text=True, env={**os.environ, **own}) as process:
        watchdog = threading.Timer(READY, process.kill)
        watchdog.start()
        assert process.stderr
        line = next(line for line in process.stderr if "answers on" in line)
        watchdog.cancel()
        found = Real(process, json.loads(line)["message"].split("answers on ")[1].split()[0], [])
        reader = threading.Thread(target=found.log.extend, args=(process.stderr,))  # or its pipe is full one day
        reader.start()
        try:
            yield found
        finally:
            process.kill()
            process.wait()
            reader.join()


def kept(id: str, customer: str, text: str = TEXTS[0]) -> dict[str, Any]:
    """A request with one message that is kept."""
    return {"messages": [{"text": text, "id": id, "customer": customer}]}


def is_running(process: int) -> bool:
    """Whether a process is there and is no mere entry of its parent's."""
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
