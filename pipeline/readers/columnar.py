"""Parquet files, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError
from pipeline.readers.blob import Blob
from pipeline.readers.delimited import unique_names
from pipeline.readers.source import Facts, Layout, Source
from pipeline.records import Row

_BATCH_ROWS = 1024


class _Progress:
    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0

    def fraction(self) -> float:
        return self.done / self.total if self.total else 1.0


def read_parquet(blob: Blob) -> Source:
    """Times in nanoseconds come as text, which keeps every digit; other values as their Python type."""
    if blob.gzipped:
        raise InputError(f"{blob.name}: a Parquet file inside gzip is not read; unpack it first")
    try:
        table = pq.ParquetFile(blob.path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{blob.name} is no readable Parquet file; it is damaged or cut short") from error
    schema = table.schema_arrow
    columns = unique_names(schema.names)
    schema = pa.schema([field.with_name(name) for field, name in zip(schema, columns, strict=True)])
    progress = _Progress(table.metadata.num_rows)
    rows = _rows(table, columns, progress, blob.name)
    facts = Facts("parquet", columns, f"Parquet, {progress.total:,} rows", Layout(schema=schema))

    def close() -> None:
        table.close()
        blob.close()

    return Source(rows, facts, fraction=progress.fraction, close=close)


def is_nanoseconds(kind: Any) -> bool:
    """Whether Python's own time types cannot hold a value of this Arrow type."""
    return bool(pa.types.is_timestamp(kind) and kind.unit == "ns")


def _rows(table: Any, columns: tuple[str, ...], progress: _Progress, name: str) -> Iterator[Row]:
    try:
        for batch in table.iter_batches(batch_size=_BATCH_ROWS):
            lists = [_values(column) for column in batch.columns]
            for cells in zip(*lists, strict=True):
                progress.done += 1
                yield Row(progress.done, dict(zip(columns, cells, strict=True)))
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{name} is damaged after row {progress.done:,}; fetch the file again") from error


def _values(column: Any) -> list[Any]:
    if is_nanoseconds(column.type):
        naive = column.cast(pa.timestamp("ns")).cast(pa.string())
        zone = "Z" if column.type.tz else ""
        return [None if text is None else text + zone for text in naive.to_pylist()]
    return list(column.to_pylist())
