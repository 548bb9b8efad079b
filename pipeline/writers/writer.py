"""What every writer shares: rows in, one finished file or none."""

from __future__ import annotations

import gzip
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

from pipeline.writers.target import Target

Rows = Sequence[Mapping[str, Any]]


class Writer(ABC):
    """A context manager: the file appears on a clean exit and not at all after an exception.

    Raises OutputError when the disk, the folder or the pipe refuses.
    """

    def __init__(self, target: Target, columns: Sequence[str]) -> None:
        self.target = target
        self.columns = tuple(columns)
        self._known = frozenset(columns)

    def write(self, rows: Rows) -> None:
        """Raises ValueError for a value under a column that was not announced."""
        with self.target.reporting():
            self._check(rows)
            self._write(rows)

    def _check(self, rows: Rows) -> None:
        for row in rows:
            if not row.keys() <= self._known:
                raise ValueError(f"columns not announced to the writer: {sorted(row.keys() - self._known)}")

    @abstractmethod
    def _write(self, rows: Rows) -> None: ...

    @abstractmethod
    def _finish(self) -> None:
        """Writes what is still held back; the target is committed after it."""

    def _abandon(self) -> None:
        """Leaves nothing behind."""
        self.target.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with self.target.reporting():
                    self._finish()
                self.target.commit()
                return
        except BaseException:
            self._abandon()
            raise
        self._abandon()


class Bytes:
    """The target's stream, through gzip when asked for."""

    def __init__(self, target: Target, *, gzipped: bool) -> None:
        self.target = target
        self._gzip = gzip.GzipFile(fileobj=target.stream, mode="wb", mtime=0) if gzipped else None
        self.stream = cast(BinaryIO, self._gzip) if self._gzip else target.stream

    def write(self, data: bytes) -> None:
        self.stream.write(data)
        if self.target.streams:
            self.stream.flush()

    def finish(self) -> None:
        if self._gzip:
            self._gzip.close()
