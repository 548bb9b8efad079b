"""The rows that could not be read or scored, kept beside the output."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.records import Reject
from pipeline.writers.jsonlines import JsonLinesWriter
from pipeline.writers.target import Target

_COLUMNS = ("number", "reason", "values")


class RejectsWriter:
    """JSONL of number, reason and values; the file appears only if there is a reject, and only on a clean exit."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self.count = 0
        self._writer: JsonLinesWriter | None = None

    def write(self, rejects: Iterable[Reject]) -> None:
        for reject in rejects:
            if self._writer is None:
                self._writer = JsonLinesWriter(Target(self.path), _COLUMNS, gzipped=False)
            self.count += 1
            row = {"number": reject.number, "reason": reject.reason, "values": dict(reject.values)}
            self._writer.write([row])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.__exit__(kind, error, trace)


def write_rejects(path: str | Path, rejects: Iterable[Reject]) -> int:
    """Returns how many there were; none leaves no file."""
    with RejectsWriter(path) as writer:
        writer.write(rejects)
    return writer.count
