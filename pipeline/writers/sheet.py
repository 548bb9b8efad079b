"""XLSX, streamed: every text is stored as text, never as a formula."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.writer.excel import ExcelWriter

from pipeline.readers.sheet import OVERFLOW_MARK, OVERFLOW_SHEET
from pipeline.readers.source import Layout
from pipeline.writers.plain import as_text
from pipeline.writers.target import Target
from pipeline.writers.writer import Rows, Writer

CELL_LIMIT = 32_767
_EXACT_INT = 10**15
_TITLE = "messages"


class SheetWriter(Writer):
    """A text over 32,767 characters, the most a cell can hold, is kept whole in a second sheet, `nabd_overflow`."""

    def __init__(self, target: Target, columns: Sequence[str], *, layout: Layout) -> None:
        super().__init__(target, columns)
        self._book = Workbook(write_only=True)
        self._tab: Any = self._book.create_sheet(layout.sheet or _TITLE)
        self._overflow: Any = None
        self._row = 0

    def _write(self, rows: Rows) -> None:
        for row in rows:
            if self._row == 0:
                self._start(rows)
            self._append([row.get(name) for name in self.columns])

    def _start(self, rows: Rows) -> None:
        """The sheet opens from the right when most letters of the first rows are of Arabic script."""
        text = "".join(value for row in rows[:200] for value in row.values() if isinstance(value, str))
        arabic = sum("\u0600" <= char <= "\u06ff" for char in text)
        self._tab.sheet_view.rightToLeft = 2 * arabic > sum(map(str.isalpha, text))
        self._tab.freeze_panes = "A2"
        self._append(list(self.columns))

    def _append(self, values: list[Any]) -> None:
        self._row += 1
        self._tab.append([self._cell(value, column) for column, value in enumerate(values, 1)])

    def _cell(self, value: Any, column: int) -> Any:
        if value is None or value == "" or value != value:
            return None
        if _is_native(value):
            return value
        parts = list(_parts(_escaped(value if isinstance(value, str) else as_text(value))))
        if len(parts) == 1:
            return self._text_cell(parts[0])
        self._keep_overflow(column, parts)
        return self._text_cell(next(_parts(parts[0], CELL_LIMIT - len(OVERFLOW_MARK))) + OVERFLOW_MARK)

    def _keep_overflow(self, column: int, parts: list[str]) -> None:
        if self._overflow is None:
            self._overflow = self._book.create_sheet(OVERFLOW_SHEET)
            self._overflow.append(["row", "column", "text"])
        self._overflow.append([self._row, column, *(self._text_cell(part) for part in parts)])

    def _text_cell(self, text: str) -> Any:
        cell = WriteOnlyCell(self._tab, text)
        cell.data_type = "s"
        return cell

    def _finish(self) -> None:
        if self._row == 0:
            self._append(list(self.columns))
        with ZipFile(self.target.stream, "w", ZIP_DEFLATED) as archive:
            ExcelWriter(self._book, archive).save()

    def _abandon(self) -> None:
        for tab in self._book.worksheets:
            with suppress(OSError, ValueError):
                tab.close()
        super()._abandon()


def _is_native(value: Any) -> bool:
    """Whether a cell can hold the value itself: whole numbers of over 15 digits, for one, would lose their end."""
    if isinstance(value, int | float):
        return abs(value) < _EXACT_INT
    if isinstance(value, datetime | time):
        return value.tzinfo is None
    return isinstance(value, date | timedelta)


def _escaped(text: str) -> str:
    """Characters that XML cannot hold, and CR, as `_xHHHH_` (ECMA-376 ST_Xstring), as Excel itself writes them."""
    return _unsafe().sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def _parts(text: str, limit: int = CELL_LIMIT) -> Iterator[str]:
    """Pieces of at most `limit` UTF-16 units, which is what Excel counts; no escape is cut in two."""
    start = 0
    while len(text) - start > limit // 2:
        end = _fitting(text, start, limit)
        if end >= len(text):
            break
        split = next((found for found in _escape().finditer(text, start, end + 6) if found.end() > end), None)
        if split and split.start() < end:
            end = split.start()
        yield text[start:end]
        start = end
    yield text[start:]


def _fitting(text: str, start: int, limit: int) -> int:
    piece = text[start : start + limit]
    while (excess := len(piece.encode("utf-16-le", "surrogatepass")) // 2 - limit) > 0:
        piece = piece[: -max(1, excess // 2)]
    return start + len(piece)


@cache
def _escape() -> re.Pattern[str]:
    return re.compile("_x[0-9A-Fa-f]{4}_")


@cache
def _unsafe() -> re.Pattern[str]:
    return re.compile("[\0-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
