"""JSON Lines: one object a line, a bad line set aside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pipeline.readers.blob import Blob
from pipeline.readers.encoding import Encoding, detect_encoding, is_damaged, open_text, shown
from pipeline.readers.helpdesk import Side, find_vendor, flattened
from pipeline.readers.lines import Line, bounded_lines
from pipeline.readers.shape import Shape
from pipeline.readers.source import Facts, Layout, Source
from pipeline.records import Reject, Row

_KEPT = 100_000
_MAX_LINE = 16_000_000


def read_json_lines(blob: Blob, *, encoding: str | None) -> Source:
    """Reads the input twice: first for the columns, which are all keys in the order they are first seen."""
    found = detect_encoding(blob, encoding)
    first = next((item for item in _objects(blob, found) if isinstance(item, Row)), None)
    vendor = find_vendor(first.values) if first else None
    shape = Shape()
    skipped: dict[str, int] = {}
    if vendor is None:
        shape.learn(_objects(blob, found))
        rows, kind = _objects(blob, found), "JSONL"
    else:
        shape.learn(flattened(_objects(blob, found), vendor, Side(), {}))
        rows = flattened(_objects(blob, found), vendor, Side(), skipped)
        kind = f"{vendor.name} export, JSONL"
    label = "json" if vendor else "jsonl"
    facts = Facts(label, shape.columns, f"{kind}, {found.label}", Layout(types=shape.types), skipped)
    return Source(rows, facts, fraction=blob.fraction, close=blob.close)


def _objects(blob: Blob, encoding: Encoding) -> Iterator[Row | Reject]:
    number = 0
    with open_text(blob, encoding, newline="\n") as stream:
        for line in bounded_lines(stream, limit=_MAX_LINE):
            if line.text.strip():
                number += 1
                yield _parsed(number, line, encoding)


def _parsed(number: int, line: Line, encoding: Encoding) -> Row | Reject:
    where = f"row {number} (line {line.number})"
    raw = {"raw": shown(line.text[:_KEPT].rstrip("\r\n"))}
    if line.cut:
        return Reject(number, f"{where} is {line.size:,} characters long, the limit is {_MAX_LINE:,}", raw)
    if is_damaged(line.text, encoding):
        return Reject(number, f"{where} has bytes that are not {encoding.label}", raw)
    try:
        value: Any = json.loads(line.text.rstrip("\r\n"))
    except ValueError as error:
        place = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        return Reject(number, f"{where} is no JSON: broken{place}", raw)
    except RecursionError:
        return Reject(number, f"{where} is nested too deeply", raw)
    if not isinstance(value, dict):
        return Reject(number, f"{where} is {_KINDS.get(type(value), 'null')}, expected an object", raw)
    return Row(number, value)


_KINDS: dict[type, str] = {list: "a list", str: "a string", int: "a number", float: "a number", bool: "a boolean"}
