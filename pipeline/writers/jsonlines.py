"""JSON Lines: every row with its own keys, in its own order."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.writers.plain import as_json
from pipeline.writers.target import Target
from pipeline.writers.writer import Bytes, Rows, Writer


class JsonLinesWriter(Writer):
    """UTF-8, one object a line."""

    def __init__(self, target: Target, columns: Sequence[str], *, gzipped: bool) -> None:
        super().__init__(target, columns)
        self._bytes = Bytes(target, gzipped=gzipped)

    def _write(self, rows: Rows) -> None:
        self._bytes.write("".join(f"{as_json(dict(row))}\n" for row in rows).encode("utf-8"))

    def _finish(self) -> None:
        self._bytes.finish()
