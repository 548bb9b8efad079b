"""The synthetic year as files."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.synthetic.rows import TRUTH_TYPES, TYPES
from pipeline.synthetic.world import START
from pipeline.synthetic.year import synthetic_year
from pipeline.writers import open_writer

_BATCH = 4096  # rows


def write_year(
    out: str, truth: Path | None, *, messages: int, customers: int | None, seed: int, null: bool, start: str
) -> None:
    """Writes the rows to `out`, and the truth behind them to `truth`; a line on stderr says what was written."""
    if truth is not None and Path(out).resolve() == truth.resolve():
        raise UsageError(f"the messages and the truth are both to be written to {out}; name two files")
    day = _day(start)
    year = synthetic_year(messages=messages, customers=customers, seed=seed, null=null, start=day)
    _write(out, TYPES, year.rows)
    if truth is not None:
        _write(truth, TRUTH_TYPES, year.truth)
    left = sum(row["churned_at"] is not None for row in year.truth)
    world = "null world: nothing foretells it" if null else "synthetic"
    print(
        f"{len(year.rows):,} synthetic messages; {left:,} of {len(year.truth):,} customers leave ({world})",
        file=sys.stderr,
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"start is {text!r}, expected a day such as {START}") from None


def _write(path: str | Path, types: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    with open_writer(path, columns=tuple(types), types=types) as writer:
        for first in range(0, len(rows), _BATCH):
            writer.write(rows[first : first + _BATCH])
