"""Writes rows back in the format they came in, or another; whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.errors import OutputError, UsageError
from pipeline.readers.source import Layout, Source
from pipeline.writers.columnar import ParquetWriter
from pipeline.writers.delimited import DelimitedWriter
from pipeline.writers.jsonlines import JsonLinesWriter
from pipeline.writers.rejects import RejectsWriter, write_rejects
from pipeline.writers.sheet import SheetWriter
from pipeline.writers.target import Target
from pipeline.writers.writer import Writer

__all__ = ["FORMATS", "RejectsWriter", "Writer", "open_writer", "write_rejects"]

FORMATS = ("csv", "tsv", "xlsx", "jsonl", "parquet")
_BY_SUFFIX = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".xlsx": "xlsx", ".jsonl": "jsonl", ".ndjson": "jsonl"} | {
    ".json": "jsonl",
    ".parquet": "parquet",
}
_STREAMED = ("csv", "tsv", "jsonl")


def open_writer(
    path: str | Path,
    *,
    columns: Sequence[str],
    source: Source | None = None,
    format: str | None = None,
    types: Mapping[str, str] | None = None,
) -> Writer:
    """`-` is standard output, as CSV or JSONL. The format is `format`, else the extension's, else the source's.

    `types` gives appended columns a type where the format has types: "string", "int", "float" or "bool".
    Raises OutputError when nothing can be written there, or the path is the input itself.
    """
    name = str(path).lower()
    gzipped = name.endswith(".gz")
    chosen = _format(name.removesuffix(".gz"), source, format)
    if chosen not in _STREAMED and (gzipped or name == "-"):
        where = "standard output" if name == "-" else "gzip"
        raise OutputError(f"{chosen} cannot be written to {where}; use CSV or JSONL")
    layout = _layout(chosen, source)
    target = Target(path, source=source.path if source else None)
    try:
        if chosen == "xlsx":
            return SheetWriter(target, columns, layout=layout)
        if chosen == "parquet":
            return ParquetWriter(target, columns, layout=layout, types=types or {})
        if chosen == "jsonl":
            return JsonLinesWriter(target, columns, gzipped=gzipped)
        return DelimitedWriter(target, columns, layout=layout, gzipped=gzipped)
    except BaseException:
        target.discard()
        raise


def _format(name: str, source: Source | None, format: str | None) -> str:
    if format is not None:
        if format.lower() not in FORMATS:
            raise UsageError(f"unknown output format '{format}'; use one of {', '.join(FORMATS)}")
        return format.lower()
    suffix = Path(name).suffix
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    if suffix and name != "-":
        raise OutputError(f"unknown extension '{suffix}'; use .csv, .tsv, .xlsx, .jsonl or .parquet")
    return source.format if source and source.format in FORMATS and (name != "-" or source.format == "csv") else "jsonl"


def _layout(format: str, source: Source | None) -> Layout:
    """The source's own layout, or what of it makes sense in another format."""
    given = source.layout if source else Layout()
    delimiter = "\t" if format == "tsv" else given.delimiter
    return Layout(delimiter, given.bom, given.sheet, given.schema, given.types)
