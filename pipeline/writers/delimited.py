"""CSV and TSV, quoted where needed, safe to open in a spreadsheet."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence

from pipeline.readers.source import Layout
from pipeline.writers.formulas import guard
from pipeline.writers.plain import as_text
from pipeline.writers.target import Target
from pipeline.writers.writer import Bytes, Rows, Writer


class DelimitedWriter(Writer):
    """UTF-8, with a byte order mark when the layout asks for one; lines end in CR LF (RFC 4180)."""

    def __init__(self, target: Target, columns: Sequence[str], *, layout: Layout, gzipped: bool) -> None:
        super().__init__(target, columns)
        self._bytes = Bytes(target, gzipped=gzipped)
        self._text = io.StringIO(newline="")
        self._csv = csv.writer(self._text, delimiter=layout.delimiter, lineterminator="\r\n")
        with target.reporting():
            self._csv.writerow([guard(as_text(name)) for name in self.columns])
            self._flush(codecs.BOM_UTF8 if layout.bom else b"")

    def _write(self, rows: Rows) -> None:
        self._csv.writerows([_cell(row.get(name)) for name in self.columns] for row in rows)
        self._flush()

    def _flush(self, before: bytes = b"") -> None:
        self._bytes.write(before + self._text.getvalue().encode("utf-8"))
        self._text.seek(0)
        self._text.truncate()

    def _finish(self) -> None:
        self._bytes.finish()


def _cell(value: object) -> str:
    return guard(as_text(value)) if isinstance(value, str) else as_text(value)
