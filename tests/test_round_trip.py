"""Any table comes back equal from every format, save for the exceptions that docs/formats.md lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.readers import open_source
from pipeline.writers import open_writer
from pipeline.writers.formulas import guard

COLUMNS = ("id", "رسالة", "متن پیام")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
MARKED = st.text(st.sampled_from("\",;\t|\r\n =+-@'_x0041_\\سلامپچ\u200c\u200fé😀\x00\x07\ufeff\ufffe1a"), max_size=12)
CELL = st.one_of(TEXT, MARKED)
TABLE = st.lists(st.tuples(st.integers(0, 10**9).map(str), CELL, CELL), min_size=1, max_size=6)
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def round_trip(path: Path, rows: Sequence[dict[str, Any]], **options: str) -> list[dict[str, Any]]:
    with open_writer(path, columns=COLUMNS) as writer:
        writer.write(rows)
    with open_source(path, **options) as source:
        assert source.columns == COLUMNS
        return [dict(row.values) for row in source]


def as_rows(table: list[tuple[str, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS, cells, strict=True)) for cells in table]


@SETTINGS
@given(TABLE)
def test_csv(tmp_path: Path, table: list[tuple[str, ...]]) -> None:
    guarded = [{name: guard(value) for name, value in row.items()} for row in as_rows(table)]
    back = round_trip(tmp_path / "a.csv", as_rows(table), format="csv", encoding="utf-8", delimiter=",")
    assert back == guarded


@SETTINGS
@given(TABLE)
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.parquet"])
def test_json_lines_and_parquet(tmp_path: Path, name: str, table: list[tuple[str, ...]]) -> None:
    assert round_trip(tmp_path / name, as_rows(table)) == as_rows(table)


@SETTINGS
@given(TABLE)
def test_xlsx(tmp_path: Path, table: list[tuple[str, ...]]) -> None:
    expected = [{name: value or None for name, value in row.items()} for row in as_rows(table)]
    assert round_trip(tmp_path / "a.xlsx", as_rows(table)) == expected


VALUE = st.one_of(st.none(), st.booleans(), st.integers(-(10**14), 10**14), st.floats(-1e9, 1e9), TEXT)
NESTED = st.recursive(VALUE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


@SETTINGS
@given(st.lists(st.dictionaries(st.sampled_from(COLUMNS), NESTED, min_size=1), min_size=1, max_size=5))
def test_json_lines_with_any_value(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    with open_writer(tmp_path / "a.jsonl", columns=COLUMNS) as writer:
        writer.write(rows)
    with open_source(tmp_path / "a.jsonl", format="jsonl") as source:
        back = [dict(row.values) for row in source]
    assert back == rows
    assert [list(row) for row in back] == [list(row) for row in rows]


@pytest.mark.parametrize("value", [1, -2.5, True, datetime(2026, 1, 5, 13, 0, 5), 12345678901234567890])
def test_xlsx_keeps_types(tmp_path: Path, value: Any) -> None:
    expected = str(value) if value == 12345678901234567890 else value
    row = {"id": "1", "رسالة": value, "متن پیام": "x"}
    assert round_trip(tmp_path / "a.xlsx", [row]) == [{**row, "رسالة": expected}]


@pytest.mark.parametrize("middle", ["b.csv", "b.tsv", "b.xlsx", "b.jsonl", "b.parquet"])
@pytest.mark.parametrize("first", ["a.csv", "a.xlsx", "a.jsonl", "a.parquet"])
def test_every_format_to_every_other_and_back(tmp_path: Path, first: str, middle: str) -> None:
    rows = as_rows(
        [("1", "سطر أول\nوثانٍ", "سلام، «خوبی»؟"), ("2", 'a "quoted", one;', "نیم\u200cفاصله"), ("3", "+1 55", "é")]
    )
    round_trip(tmp_path / first, rows)
    with (
        open_source(tmp_path / first) as source,
        open_writer(tmp_path / middle, columns=source.columns, source=source) as writer,
    ):
        writer.write([row.values for row in source])
    with open_source(tmp_path / middle) as source:
        assert [row.values for row in source] == rows


def test_parquet_keeps_its_own_types(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "id": pa.array([1, None], pa.int16()),
            "text": pa.array(["متن", "نص"], pa.large_string()),
            "kind": pa.array(["a", "b"]).dictionary_encode(),
            "exact": pa.array([1767600000123456789, None], pa.timestamp("ns", tz="Asia/Tehran")),
            "day": pa.array([20000, None], pa.date32()),
            "tags": pa.array([["x"], None], pa.list_(pa.string())),
            "raw": pa.array([b"\xff", None], pa.binary()),
            "price": pa.array(["1.10", None], pa.string()).cast(pa.decimal128(5, 2)),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    with open_source(tmp_path / "a.parquet") as source:
        columns = (*source.columns, "nabd_score")
        with open_writer(
            tmp_path / "b.parquet", columns=columns, source=source, types={"nabd_score": "float"}
        ) as writer:
            writer.write([{**row.values, "nabd_score": 0.25} for row in source])
    back = pq.read_table(tmp_path / "b.parquet")
    assert back.column_names == [*table.column_names, "nabd_score"]
    assert back.drop_columns("nabd_score").equals(table)
