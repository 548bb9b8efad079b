"""A service in a process of its own, and the memory that it and its model hold."""

from __future__ import annotations

import os
import socket
import subprocess  # nosec B404 # starts this package
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from pipeline.errors import UsageError
from pipeline.service.load.served import HOST

START = 120.0  # seconds that it has to be ready
SAMPLES = 40  # of its memory while it is under load


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes held (resident set), all processes together, at moments of equal distance."""

    megabytes: Sequence[float]

    @property
    def first(self) -> float:
        """Once every part of it was used."""
        return self.megabytes[len(self.megabytes) // 10]

    @property
    def middle(self) -> float:
        return self.megabytes[len(self.megabytes) // 2]

    @property
    def last(self) -> float:
        return self.megabytes[-1]


@contextmanager
def served(model: str, folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Starts the service of a model; its address and its process. Raises UsageError when it does not get ready."""
    port = free_port()
    code = "from pipeline.service.load.served import main; main()"  # as `nabd` does: its model's process imports less
    command = [sys.executable, "-c", code, model, str(folder), str(port)]
    with (folder / "service.log").open("w") as log, subprocess.Popen(command, stderr=log) as process:  # nosec B603
        address = f"http://{HOST}:{port}"
        try:
            _wait(f"{address}/ready", process)
            yield address, psutil.Process(process.pid)
        finally:
            process.terminate()


def watched(process: psutil.Process, seconds: float, work: Callable[[], None]) -> Memory:
    """The memory of a process and its children while `work` takes about so many seconds."""
    found, ended = [megabytes(process)], threading.Event()

    def watch() -> None:
        while not ended.wait(seconds / SAMPLES):
            found.append(megabytes(process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        ended.set()
        watcher.join()
    return Memory([*found, megabytes(process)])


def megabytes(process: psutil.Process) -> float:
    """Of a process and its children."""
    held: int = sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))
    return held / 1e6


def busy_cores(seconds: float = 2.0) -> float:
    """What others keep busy just now: figures of a machine that is not quiet are worth little."""
    percent: float = psutil.cpu_percent(seconds)
    return percent / 100 * (os.cpu_count() or 1)


def free_port() -> int:
    with socket.create_server((HOST, 0)) as taken:
        return int(taken.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=START):  # nosec B310 # an address of our own
                return
        except urllib.error.URLError:
            time.sleep(0.1)
    raise UsageError("the service to be put under load does not answer; `nabd doctor` says what is wrong")
