"""A customer taken out of the files of jobs: uploads, results and rejects, in every format that they come in."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.columns import find_roles
from pipeline.columns.roles import find_given
from pipeline.errors import NabdError
from pipeline.readers import Source, open_source
from pipeline.records import Reject
from pipeline.service.store.trace import Trace
from pipeline.writers import FORMATS, open_writer

KEPT, REWRITTEN, REMOVED = "kept", "rewritten", "removed"
SAMPLE, WINDOW = 200, 2_000  # rows
_PLAIN = (".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".jl", ".json")  # an ASCII id is in them as it is
_PACKED = (b"PK\x03\x04", b"\x1f\x8b", b"PAR1")
_ASCII_ID = re.compile(r"[A-Za-z0-9._@:-]+")


def clean_file(path: Path, trace: Trace, *, column: str | None) -> str:
    """Rewrites the file without the customer, or removes it where that cannot be done; says which, or that it is kept.

    `column` is that of the customers where it was named. What could not be read of the file is left out.
    """
    if not _may_hold(path, trace.customer):
        return KEPT
    new = path.with_name(f".erasing-{path.name}")
    try:
        if not _changes(path, trace, column):
            return KEPT
        is_written = _rewrite(path, new, trace, column)
    except NabdError:
        is_written = False
    if not is_written:
        path.unlink()
        return REMOVED
    new.chmod(path.stat().st_mode)
    os.replace(new, path)
    return REWRITTEN


def _may_hold(path: Path, id: str) -> bool:
    """A quick look: false only if the id cannot be in it."""
    if path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        if file.read(4).startswith(_PACKED) or path.suffix.lower() not in _PLAIN or not _ASCII_ID.fullmatch(id):
            return True
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            forms = (re.escape(id.encode(kind)) for kind in ("ascii", "utf-16-le", "utf-16-be"))
            return re.search(b"|".join(forms), content, re.IGNORECASE) is not None


def _changes(path: Path, trace: Trace, named: str | None) -> bool:
    with open_source(path) as source:
        column = _column(source, named)
        return any(
            trace.within((item.reason, item.values))
            if isinstance(item, Reject)
            else trace.row(item.values, column) != item.values
            for item in source
        )


def _rewrite(path: Path, new: Path, trace: Trace, named: str | None) -> bool:
    """False for a format that is only read."""
    with open_source(path) as source:
        if source.format not in FORMATS:
            return False
        column = _column(source, named)
        with open_writer(new, columns=source.columns, source=source, format=source.format) as writer:
            window = []
            for values in _rows(source, trace, column):
                window.append(values)
                if len(window) == WINDOW:
                    writer.write(window)
                    window = []
            writer.write(window)
    return True


def _rows(source: Source, trace: Trace, column: str | None) -> Iterator[Mapping[str, Any]]:
    for item in source:
        if not isinstance(item, Reject) and (values := trace.row(item.values, column)) is not None:
            yield values


def _column(source: Source, named: str | None) -> str | None:
    """The column of customers: as named, else as `nabd score` finds it."""
    try:
        if named is not None:
            return find_given(source.columns, "customer", named)
        return find_roles(source.columns, source.sample(SAMPLE)).customer
    except NabdError:
        return None
