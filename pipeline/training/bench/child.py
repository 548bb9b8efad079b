"""One command in a fresh process: how long, how soon its first row, how much memory at its peak.

The command is started by a small launcher, this module run with `-m`: on Linux a process inherits the peak memory of
the one that forked it, so a large parent would be measured instead.
"""

from __future__ import annotations

import json
import resource
import subprocess  # nosec B404 # measures in a process of its own
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

WHOLE, FIRST_ROW = "whole", "first-row"
_BYTES = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss


@dataclass(frozen=True, slots=True)
class Usage:
    """`seconds` from the start of the process to its end, or to the first data row on its standard output."""

    seconds: float
    peak_megabytes: float


def run_fresh(command: Sequence[str], *, folder: Path, environment: dict[str, str], until: str = WHOLE) -> Usage:
    """Runs `command` in `folder`; with `FIRST_ROW` it is stopped when the line below its header has come.

    Raises CalledProcessError when it fails.
    """
    launcher = [sys.executable, "-m", "pipeline.training.bench.child", until, *command]
    done = subprocess.run(  # nosec B603 # a command of ours
        launcher, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True, text=True
    )
    return Usage(**json.loads(done.stdout))


def launch(command: Sequence[str], until: str) -> Usage:
    """Runs the command as a child of this process and waits for it."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # nosec B603 # a command of ours
        assert process.stdout is not None  # nosec B101 # for the types: it is a pipe
        if until == FIRST_ROW:
            header, row = process.stdout.readline(), process.stdout.readline()
            seconds = time.perf_counter() - start
            process.kill()
            if not (header and row):
                raise subprocess.CalledProcessError(process.wait(), command)
        process.stdout.read()
        process.wait()
        if until == WHOLE:
            seconds = time.perf_counter() - start
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, command)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _BYTES
    return Usage(seconds, peak / 1e6)


if __name__ == "__main__":
    print(json.dumps(asdict(launch(sys.argv[2:], sys.argv[1]))))
