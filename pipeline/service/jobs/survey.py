"""A first reading of an upload: how many rows it has, and the rows that tell the scale of a column.

A column of 3/4/2026 is dated by the rows that hold a day over 12, a rating scaled by the largest. A job reads its
rows in pieces, so each piece is read together with these rows: the whole file decides, as in `nabd risk`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.columns.times import plain_digits
from pipeline.history.scales import number
from pipeline.readers import open_source
from pipeline.records import Row
from pipeline.service.jobs.describe import Mapped, mapped

DATED = ("left", "first_response", "resolution")
_PAIR = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.]\d{1,4}(?:\D|\Z)")


@dataclass(frozen=True, slots=True)
class Survey:
    """`rows` counts rejects too; `telling` are the rows to read before those of every piece."""

    rows: int
    telling: tuple[Row, ...]


def survey(path: Path, named: Mapping[str, str]) -> Survey:
    """Reads the whole file once. Raises InputError, and ColumnError when `named` or the text are not there."""
    with open_source(path) as source:
        found = mapped(source, named)
        wanted = [column for column in (found.roles.time, *(found.desk.get(role) for role in DATED)) if column]
        telling = _Telling(wanted, found)
        rows = 0
        for item in source:
            rows += 1
            if isinstance(item, Row):
                telling.look_at(item)
    return Survey(rows, tuple(telling.rows))


class _Telling:
    def __init__(self, dated: list[str], found: Mapped) -> None:
        self.rows: list[Row] = []
        self._dated, self._rating = dated, found.desk.get("csat")
        self._known: set[tuple[str, bool, bool]] = set()
        self._largest = 0.0

    def look_at(self, row: Row) -> None:
        """Keeps the row if it tells more of a scale than those before it."""
        if self._rating and (rating := _rating(row.values.get(self._rating))) > self._largest:
            self._largest = rating
            self.rows.append(Row(row.number, {self._rating: row.values.get(self._rating)}))
        for column in self._dated:
            kind = _kind(row.values.get(column))
            if any(kind) and (column, *kind) not in self._known:
                self._known.add((column, *kind))
                self.rows.append(Row(row.number, {column: row.values.get(column)}))


def _kind(value: Any) -> tuple[bool, bool]:
    """Whether the first and the second number of a date can be no month."""
    match = _PAIR.match(plain_digits(value)) if isinstance(value, str) else None
    return (int(match[1]) > 12, int(match[2]) > 12) if match else (False, False)


def _rating(value: Any) -> float:
    return (number(value) or 0.0) if value not in (None, "") else 0.0
