"""CSV, TSV and their kin: any delimiter, any of the usual encodings, quoted newlines, broken rows set aside."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterable, Iterator

from pipeline.errors import InputError, UsageError
from pipeline.readers.blob import Blob
from pipeline.readers.encoding import Encoding, detect_encoding, is_damaged, open_text, shown
from pipeline.readers.lines import bounded_lines
from pipeline.readers.quoting import Broken, Record, Records
from pipeline.readers.source import MAX_CELL, Facts, Layout, Source
from pipeline.records import Reject, Row

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_RECORDS = 500
_SAMPLE_CHARS = 1 << 18
_CONSISTENT = 0.5
_SPELT = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_NAMES = {"\t": "tab"}


def read_delimited(blob: Blob, *, encoding: str | None, delimiter: str | None) -> Source:
    """The first record is the header; an Excel line `sep=;` before it names the delimiter.

    Raises InputError when there is no header, UsageError when `delimiter` is not one character.
    """
    found = detect_encoding(blob, encoding)
    sample = _sample(blob, found)
    declared = re.match(r'"?sep=(.)"?[\r\n]', sample)
    chosen = _spelt(delimiter) or (declared[1] if declared else _choose(sample, prefer=blob.suffix))
    stream = open_text(blob, found, newline="")
    if declared:
        stream.readline()
    records = Records(bounded_lines(stream), chosen)
    columns = unique_names(_header(records, blob.name))
    records.width = len(columns)
    rows = _rows(records, columns, found)
    name = _NAMES.get(chosen, f"'{chosen}'")
    facts = Facts("csv", columns, f"CSV, {name} separated, {found.label}", Layout(chosen, found.excel_bom))
    return Source(rows, facts, fraction=blob.fraction, close=blob.close)


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """An empty name becomes `column_<position>`; a repeated one gets `_2`, `_3` ... so that no column is lost."""
    given = [name if name.strip() else f"column_{position}" for position, name in enumerate(names, 1)]
    taken = set(given)
    unique: list[str] = []
    for name in given:
        fresh = name
        if name in unique:
            fresh = next(new for count in itertools.count(2) if (new := f"{name}_{count}") not in taken)
            taken.add(fresh)
        unique.append(fresh)
    return tuple(unique)


def _header(records: Records, name: str) -> list[str]:
    first = next(iter(records), None)
    if first is None:
        raise InputError(f"{name} is empty: it has no header row")
    if isinstance(first, Broken):
        raise InputError(f"{name}: the header row (line {first.line}) has {first.fault}; correct it by hand")
    return first.fields


def _rows(records: Records, columns: tuple[str, ...], encoding: Encoding) -> Iterator[Row | Reject]:
    for number, record in enumerate(records, 1):
        if isinstance(record, Broken):
            yield _broken(number, record)
        else:
            yield _row(number, record, columns, encoding)


def _row(number: int, record: Record, columns: tuple[str, ...], encoding: Encoding) -> Row | Reject:
    fields = record.fields
    if len(fields) > len(columns) and not any(fields[len(columns) :]):
        fields = fields[: len(columns)]
    values: dict[str, object] = dict(zip(columns, fields, strict=False))
    if len(fields) != len(columns):
        if len(fields) > len(columns):
            values["extra_fields"] = fields[len(columns) :]
        reason = f"row {number} has {len(fields)} fields, the header has {len(columns)} (line {record.line})"
        return Reject(number, reason, values)
    damaged = [name for name, field in zip(columns, fields, strict=True) if is_damaged(field, encoding)]
    if damaged:
        reason = f"row {number}: column '{damaged[0]}' has bytes that are not {encoding.label} (line {record.line})"
        return Reject(number, reason, {name: shown(field) for name, field in zip(columns, fields, strict=True)})
    return Row(number, values)


def _broken(number: int, broken: Broken) -> Reject:
    where = f"line {broken.line}" if broken.line == broken.last_line else f"lines {broken.line}-{broken.last_line}"
    if broken.fault == "too long":
        fault = f"is {broken.size:,} characters long, a cell may have {MAX_CELL:,}"
    else:
        fault = "has broken quoting: a quote is not closed, or text follows a closing quote"
    return Reject(number, f"row {number} {fault} ({where})", {"raw": shown(broken.raw)})


def _spelt(delimiter: str | None) -> str | None:
    if delimiter is None:
        return None
    mark = _SPELT.get(delimiter, delimiter)
    if len(mark) != 1 or mark in '"\r\n':
        raise UsageError(f"the delimiter must be one character (or 'tab'), not '{delimiter}'")
    return mark


def _sample(blob: Blob, encoding: Encoding) -> str:
    with open_text(blob, encoding, newline="") as stream:
        text = stream.read(_SAMPLE_CHARS)
    end = max(text.rfind("\n"), text.rfind("\r")) + 1
    return text[:end] if len(text) == _SAMPLE_CHARS and end else text


def _choose(sample: str, *, prefer: str) -> str:
    """The delimiter that splits most records into as many fields as the header has, two or more."""
    order = ("\t", ",", ";", "|") if prefer in (".tsv", ".tab") else _DELIMITERS
    return max(order, key=lambda mark: _fitness(sample, mark))


def _fitness(sample: str, delimiter: str) -> tuple[bool, float, int]:
    records = Records(bounded_lines(io.StringIO(sample, newline="")), delimiter)
    first = next(iter(records), None)
    if not isinstance(first, Record):
        return False, 0.0, 0
    records.width = width = len(first.fields)
    rest = list(itertools.islice(records, _SAMPLE_RECORDS))
    fitting = sum(isinstance(record, Record) and len(record.fields) == width for record in rest)
    share = (fitting + 1) / (len(rest) + 1)
    return width > 1 and share >= _CONSISTENT, round(share, 2), width
