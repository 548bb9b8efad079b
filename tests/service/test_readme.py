"""What README.md shows of the API, typed into a shell against a real `nabd serve`."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SERVE = re.search(r"\*\*Serve\.\*\*.*?(?=^\*\*)", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
PATIENCE = 180  # seconds for the start, and for the job
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the lines are of a POSIX shell")
Type = Callable[[str], str]


def lines() -> list[str]:
    """The lines that begin with curl, or keep what curl answers in a variable."""
    assert SERVE is not None
    return re.findall(r"^\$ ((?:[A-Z]+=\$\()?curl .+)$", SERVE[0], re.MULTILINE)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a service with a store of its own."""
    folder = tmp_path_factory.mktemp("served")
    own = {
        "NABD_SERVICE_DATABASE": f"sqlite:///{folder / 'nabd.db'}", "NABD_SERVICE_UPLOADS": str(folder / "uploads"),
        "NABD_MODEL": "nabd-fast",
    }  # fmt: skip
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "serve", "--port", "0"]
    log = folder / "log"
    with log.open("w") as stream, subprocess.Popen(command, stderr=stream, env={**os.environ, **own}) as process:
        try:
            yield wait(lambda: re.search(r"answers on http://([\w.]+:\d+)", log.read_text("utf-8")))[1]
        finally:
            process.terminate()


@pytest.fixture
def typed(address: str, tmp_path: Path) -> Type:
    """Types a line as it stands, but for the port and for where the result goes; variables last."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    results = tmp_path.relative_to(tmp_path.anchor)

    def run(line: str) -> str:
        line = line.replace("localhost:8000", address).replace("-o build/", f"-o /{results}/")
        variable = line.partition("=$(")[0] if re.match(r"[A-Z]+=\$\(", line) else ""
        shown = f'; printf %s "${variable}"' if variable else ""
        done = subprocess.run(["sh", "-c", line + shown], cwd=ROOT, env=kept, capture_output=True, check=True)
        answer = done.stdout.decode()
        if variable:
            kept[variable] = answer
        return answer

    return run


def wait(look: Callable[[], Any]) -> Any:
    """What is seen once there is something to see."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(f"nothing came in {PATIENCE} seconds")


def test_the_lines_of_the_readme_score_correct_and_fetch_what_they_promise(typed: Type, tmp_path: Path) -> None:
    score, customer, feedback, upload, look, fetch = lines()
    (scored,) = json.loads(typed(score))["results"]
    assert (scored["id"], scored["language"], scored["topic"]["label"]) == ("M-1", "fa", "leaving")
    known = json.loads(typed(customer))
    assert known["id"] == "C-1"
    assert [message["id"] for message in known["timeline"]["items"]] == ["M-1"]
    assert json.loads(typed(feedback))["label"] == "leaving"
    job = typed(upload)
    wait(lambda: json.loads(typed(look))["state"] == "done")
    ended = json.loads(typed(look))
    assert (ended["id"], ended["filename"], ended["rejected"]) == (job, "demo.csv", 0)
    typed(fetch)
    with (tmp_path / "demo.job.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == ended["done"] == 247
    assert all(row["nabd_queue"] and row["message"] for row in rows)
