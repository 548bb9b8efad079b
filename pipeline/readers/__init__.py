"""Reads what helpdesks, mailboxes and spreadsheets export: one stream of rows, whatever the format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.errors import InputError, UsageError
from pipeline.readers.blob import Blob, open_blob
from pipeline.readers.columnar import read_parquet
from pipeline.readers.delimited import read_delimited
from pipeline.readers.documents import read_document
from pipeline.readers.jsonlines import read_json_lines
from pipeline.readers.mail import read_eml, read_folder, read_mbox
from pipeline.readers.sheet import read_sheet
from pipeline.readers.sniff import sniff
from pipeline.readers.source import MAX_CELL, Layout, Source

__all__ = ["FORMATS", "MAX_CELL", "Layout", "Source", "open_source"]

FORMATS = ("csv", "xlsx", "jsonl", "json", "parquet", "mbox", "eml")
_ALIASES = {"tsv": "csv", "ndjson": "jsonl"}


def open_source(
    path: str | Path,
    *,
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
) -> Source:
    """Opens a file, a folder of .eml files or, for `-`, standard input; the format is told by the content.

    Raises InputError when it cannot be read or holds no row, UsageError for an option that cannot be used.
    """
    chosen = _checked(format)
    if str(path) != "-" and Path(path).is_dir():
        source = read_folder(Path(path))
    else:
        source = _read(open_blob(path), chosen, encoding=encoding, delimiter=delimiter, sheet=sheet)
        source.path = None if str(path) == "-" else Path(path)
    try:
        if not source.peek(1):
            raise InputError(f"{path} {_emptiness(source)}")
    except BaseException:
        source.close()
        raise
    return source


def _read(blob: Blob, format: str | None, *, encoding: str | None, delimiter: str | None, sheet: str | None) -> Source:
    try:
        readers: dict[str, Callable[[], Source]] = {
            "csv": lambda: read_delimited(blob, encoding=encoding, delimiter=delimiter),
            "xlsx": lambda: read_sheet(blob, sheet=sheet),
            "jsonl": lambda: read_json_lines(blob, encoding=encoding),
            "json": lambda: read_document(blob, encoding=encoding),
            "parquet": lambda: read_parquet(blob),
            "mbox": lambda: read_mbox(blob),
            "eml": lambda: read_eml(blob),
        }
        return readers[format or sniff(blob)]()
    except BaseException:
        blob.close()
        raise


def _emptiness(source: Source) -> str:
    if source.skipped:
        counts = ", ".join(f"{count:,} {reason}" for reason, count in source.skipped.items())
        return f"holds no customer message; left out: {counts}"
    return "has no rows below its header" if source.columns else "holds no rows"


def _checked(format: str | None) -> str | None:
    if format is None:
        return None
    known = _ALIASES.get(format.lower(), format.lower())
    if known not in FORMATS:
        raise UsageError(f"unknown input format '{format}'; use one of {', '.join(FORMATS)}")
    return known
