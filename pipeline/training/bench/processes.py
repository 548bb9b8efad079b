"""`nabd score` as users run it: fresh processes, their seconds and their memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.training.bench.child import FIRST_ROW, WHOLE, Usage, run_fresh
from pipeline.training.bench.messages import write_messages
from pipeline.training.bench.setting import BASE, Setting, say

NABD_COMMAND = (sys.executable, "-c", "from pipeline.cli import main; main()")


@dataclass(frozen=True, slots=True)
class Processes:
    """Fresh processes: `whole` by rows of the file; seconds for a file of one message, and until a first row."""

    whole: Mapping[int, Usage]
    one_row: Sequence[float]
    first_row: Sequence[float]


def time_processes(setting: Setting) -> Processes:
    """Of the base model."""
    plan, folder, texts = setting.plan, setting.folder, setting.pool.texts
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NABD_")}
    fresh = partial(run_fresh, folder=folder, environment=environment)
    files = {
        rows: write_messages(folder / f"{rows}.csv", texts, rows) for rows in (1, plan.rows, plan.long_rows) if rows
    }
    say(f"Starting `nabd score` {2 * plan.starts} times")
    one_row, first_row = [], []
    for _ in range(plan.starts):
        one_row.append(fresh(_score(files[1], "1.scored.csv", setting)).seconds)
        first_row.append(fresh(_score(files[plan.rows], "-", setting), until=FIRST_ROW).seconds)
    whole: dict[int, Usage] = {}
    for rows, path in list(files.items())[1:]:
        pace = rows / plan.rows * whole[plan.rows].seconds if whole else None
        say(f"Scoring a file of {rows:,} messages" + (f", about {pace / 60:.0f} minutes" if pace else ""))
        whole[rows] = fresh(_score(path, f"{rows}.scored.csv", setting), until=WHOLE)
    return Processes(whole, one_row, first_row)


def _score(path: Path, out: str, setting: Setting) -> list[str]:
    options = ["--model", str(setting.models / BASE), "--threads", str(setting.threads), "--quiet"]
    return [*NABD_COMMAND, "score", str(path), "-o", out, *options]
