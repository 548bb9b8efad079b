"""Parquet: the source's own types for its columns, a record batch for each write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import OutputError, UsageError
from pipeline.readers.columnar import is_nanoseconds
from pipeline.readers.source import Layout
from pipeline.writers.plain import as_text
from pipeline.writers.target import Target
from pipeline.writers.writer import Rows, Writer

_BATCH_ROWS = 4096


class ParquetWriter(Writer):
    """Columns without a known type are text. Small writes are gathered into row groups."""

    def __init__(self, target: Target, columns: Sequence[str], *, layout: Layout, types: Mapping[str, str]) -> None:
        super().__init__(target, columns)
        self._schema = _schema(self.columns, layout, {**layout.types, **types})
        self._held: list[Mapping[str, Any]] = []
        with target.reporting():
            self._parquet = pq.ParquetWriter(target.stream, self._schema)

    def _write(self, rows: Rows) -> None:
        self._held.extend(rows)
        if len(self._held) >= _BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        arrays = [_array([row.get(field.name) for row in self._held], field) for field in self._schema]
        self._parquet.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._held = []

    def _finish(self) -> None:
        if self._held:
            self._flush()
        self._parquet.close()

    def _abandon(self) -> None:
        with suppress(OSError):
            self._parquet.close()
        super()._abandon()


def _schema(columns: Sequence[str], layout: Layout, types: Mapping[str, str]) -> Any:
    kinds = {"string": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
    unknown = set(types.values()) - set(kinds)
    if unknown:
        raise UsageError(f"unknown column type '{min(unknown)}'; use one of {', '.join(kinds)}")
    given = {field.name: field for field in layout.schema} if layout.schema is not None else {}
    return pa.schema([given.get(name) or pa.field(name, kinds[types.get(name, "string")]) for name in columns])


def _array(values: list[Any], field: Any) -> Any:
    try:
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            return pa.array([None if value is None else as_text(value) for value in values], field.type)
        if is_nanoseconds(field.type):
            utc = pa.timestamp("ns", tz="UTC") if field.type.tz else pa.timestamp("ns")
            return pa.array(values, pa.string()).cast(utc).cast(field.type)
        return pa.array(values, field.type)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise OutputError(f"column '{field.name}' holds a value that is no {field.type}; write CSV or JSONL") from error
