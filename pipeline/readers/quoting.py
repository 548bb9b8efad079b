"""CSV records parsed strictly, with a way back to the next whole row after broken quoting."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.readers.lines import MAX_LINE, Line

_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Record:
    """The fields of one record; `line` is the physical line it starts on."""

    line: int
    fields: list[str]


@dataclass(frozen=True, slots=True)
class Broken:
    """Lines that are no record; `size` counts their characters, of which `raw` keeps the start."""

    line: int
    last_line: int
    fault: str
    raw: str
    size: int


class _TooLong(Exception):
    """A record that grew beyond the limit."""


class _Feed:
    """Lines for csv.reader that remembers what it handed out, so that it can be handed out again."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._ahead: deque[Line] = deque()
        self._chars = 0
        self.taken: list[Line] = []

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else next(self._lines)
        self.taken.append(line)
        self._chars += line.size
        if line.cut or self._chars > MAX_LINE:
            raise _TooLong
        return line.text

    def begin(self) -> None:
        self.taken = []
        self._chars = 0

    def rewind(self, keep: int = 0) -> None:
        self._ahead.extendleft(reversed(self.taken[keep:]))
        self.begin()

    def lacks(self, mark: str) -> bool:
        """Whether a line comes next that has no `mark`."""
        if not self._ahead:
            line = next(self._lines, None)
            if line is None:
                return False
            self._ahead.append(line)
        return mark not in self._ahead[0].text

    def take(self) -> Line:
        return self._ahead.popleft() if self._ahead else next(self._lines)


class Records:
    """Iterates over Record and Broken; set `width` to the number of columns once the header is known.

    A quote that is never closed would swallow the rows after it. So after a fault the lines are dropped up to the
    first that starts a record of `width` fields, and all that was dropped is one Broken.
    """

    def __init__(self, lines: Iterator[Line], delimiter: str) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_LINE))
        self.width: int | None = None
        self._delimiter = delimiter
        self._feed = _Feed(lines)
        self._reader = csv.reader(self._feed, delimiter=delimiter, strict=True)

    def __iter__(self) -> Iterator[Record | Broken]:
        while True:
            record = self._next()
            if record is None:
                return
            if isinstance(record, Broken) or record.fields:
                yield record

    def _next(self) -> Record | Broken | None:
        self._feed.begin()
        try:
            fields = next(self._reader)
        except StopIteration:
            return None
        except csv.Error:
            return self._recover("broken quoting")
        except _TooLong:
            return self._recover("too long")
        taken = self._feed.taken
        if self.width is not None and len(taken) > 1 and len(fields) != self.width:
            return self._recover("broken quoting", fields)
        return Record(taken[0].number, fields)

    def _recover(self, fault: str, fields: list[str] | None = None) -> Record | Broken:
        """Drops lines up to the next whole record; a record that merely has the wrong width stays a record."""
        whole = len(self._feed.taken)
        first = last = self._feed.taken[0]
        raw, size, dropped = first.text[:_KEPT], first.size, 1
        self._feed.rewind(keep=1)
        while not (fields is not None and dropped == whole) and not self._starts_record():
            last = self._feed.take()
            dropped, size = dropped + 1, size + last.size
            if len(raw) < _KEPT:
                raw += last.text[:_KEPT]
        if fields is not None and dropped == whole:
            return Record(first.number, fields)
        return Broken(first.number, last.number, fault, raw, size)

    def _starts_record(self) -> bool:
        """Whether a record of the right width, or the end, comes next; consumes nothing."""
        if self.width != 1 and self._feed.lacks(self._delimiter):
            return False
        self._feed.begin()
        try:
            found = len(next(self._reader)) == (self.width or 1)
        except StopIteration:
            return True
        except (csv.Error, _TooLong):
            found = False
        self._feed.rewind()
        return found
