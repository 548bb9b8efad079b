"""XLSX workbooks: values, not formulas, with dates and numbers as they are."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.escape import unescape
from openpyxl.utils.exceptions import InvalidFileException

from pipeline.errors import InputError
from pipeline.readers.blob import Blob
from pipeline.readers.delimited import unique_names
from pipeline.readers.source import Facts, Layout, Source
from pipeline.records import Reject, Row

OVERFLOW_SHEET = "nabd_overflow"
OVERFLOW_MARK = f"\u2026 [continues in sheet {OVERFLOW_SHEET}]"
_UNPACKED_LIMIT = 4 << 30


class _Progress:
    """Rows read of the rows that the sheet claims to have."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0

    def fraction(self) -> float:
        return min(1.0, self.done / self.total) if self.total else 0.0


def read_sheet(blob: Blob, *, sheet: str | None) -> Source:
    """The named sheet, or the first that holds anything.

    Raises InputError for an unreadable workbook, an unknown sheet or a workbook without data.
    """
    book = _load(blob)
    tab = _named(book, sheet, blob) if sheet else _first_filled(book, blob)
    total = tab.max_row or _count_rows(blob)
    grid = _filled(tab)
    start, header = next(grid)
    columns = unique_names("" if name is None else unescape(str(name)) for name in _trimmed(header))
    progress = _Progress(total - start)
    rows = _rows(grid, columns, _Joined(_overflow(book)), progress)
    facts = Facts("xlsx", columns, f"XLSX, sheet '{tab.title}'", Layout(sheet=tab.title))

    def close() -> None:
        book.close()
        blob.close()

    return Source(rows, facts, fraction=progress.fraction, close=close)


class _Joined:
    """Texts over the cell limit, put together again from the sheet that the writer kept them in."""

    def __init__(self, parts: Iterator[tuple[Any, ...]]) -> None:
        self._parts = parts
        self._next = next(parts, None)

    def restore(self, row: int, values: list[Any]) -> None:
        """`row` is the sheet's own row number; rows must be asked for in order.

        A cell that is not the start of its kept text stays as it is: the sheet was sorted or edited since.
        """
        while self._next and self._next[0] == row:
            _, column, *texts = self._next
            whole = "".join(unescape(text) for text in texts if text is not None)
            shown = values[column - 1]
            if isinstance(shown, str) and whole.startswith(shown.removesuffix(OVERFLOW_MARK)):
                values[column - 1] = whole
            self._next = next(self._parts, None)


def _rows(
    grid: Iterator[tuple[int, list[Any]]], columns: tuple[str, ...], joined: _Joined, progress: _Progress
) -> Iterator[Row | Reject]:
    for number, (position, cells) in enumerate(grid, 1):
        progress.done += 1
        values = [unescape(cell) if isinstance(cell, str) else cell for cell in _trimmed(cells)]
        if len(values) > len(columns):
            named = dict(zip(columns, values, strict=False)) | {"extra_fields": values[len(columns) :]}
            reason = f"row {number} has {len(values)} cells, the header has {len(columns)} (sheet row {position})"
            yield Reject(number, reason, named)
            continue
        values += [None] * (len(columns) - len(values))
        joined.restore(position, values)
        yield Row(number, dict(zip(columns, values, strict=True)))


def _filled(tab: Any) -> Iterator[tuple[int, list[Any]]]:
    """Sheet row numbers and cells of the rows that hold anything, whatever size the sheet claims to have."""
    tab.reset_dimensions()
    for position, cells in enumerate(tab.iter_rows(values_only=True), 1):
        if any(cell is not None for cell in cells):
            yield position, list(cells)


def _trimmed(cells: list[Any]) -> list[Any]:
    end = len(cells)
    while end and cells[end - 1] is None:
        end -= 1
    return cells[:end]


def _load(blob: Blob) -> Any:
    if blob.gzipped:
        raise InputError(f"{blob.name}: an XLSX file inside gzip is not read; unpack it first")
    try:
        with zipfile.ZipFile(blob.path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > _UNPACKED_LIMIT:
            raise InputError(f"{blob.name} unpacks to {unpacked >> 30} GiB, the limit is {_UNPACKED_LIMIT >> 30} GiB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return load_workbook(blob.stream(), read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, SyntaxError) as error:
        raise InputError(f"{blob.name} is no readable XLSX workbook; open it and save it again as .xlsx") from error


def _named(book: Any, sheet: str, blob: Blob) -> Any:
    tabs = {tab.title: tab for tab in book.worksheets}
    if sheet not in tabs:
        raise InputError(f"{blob.name} has no sheet '{sheet}'; its sheets are: {', '.join(tabs)}")
    if next(_filled(tabs[sheet]), None) is None:
        raise InputError(f"{blob.name}: sheet '{sheet}' is empty")
    return tabs[sheet]


def _first_filled(book: Any, blob: Blob) -> Any:
    for tab in book.worksheets:
        if tab.sheet_state == "visible" and next(_filled(tab), None) is not None:
            return tab
    raise InputError(f"{blob.name} is empty: no visible sheet holds anything")


def _overflow(book: Any) -> Iterator[tuple[Any, ...]]:
    if OVERFLOW_SHEET in book.sheetnames:
        yield from book[OVERFLOW_SHEET].iter_rows(values_only=True, min_row=2)


def _count_rows(blob: Blob) -> int:
    """Rows of the largest sheet; asked for only when the sheet does not state its size."""
    with zipfile.ZipFile(blob.path) as archive:
        parts = (entry for entry in archive.infolist() if entry.filename.startswith("xl/worksheets/"))
        largest = max(parts, key=lambda entry: entry.file_size, default=None)
        if largest is None:
            return 0
        with archive.open(largest) as stream:
            return sum(chunk.count(b"<row ") for chunk in iter(lambda: stream.read(1 << 20), b""))
