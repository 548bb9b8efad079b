"""XLSX and Parquet as other programs write them."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from pipeline.errors import InputError
from pipeline.readers import open_source
from pipeline.records import Reject

AR, FA, EN = "الفاتورة خطأ", "فاکتور اشتباه است", "The bill is wrong"


def book(path: Path, *sheets: tuple[str, list[list[object]]]) -> Path:
    workbook = Workbook()
    workbook.remove(workbook.active)
    for title, rows in sheets:
        tab = workbook.create_sheet(title)
        for row in rows:
            tab.append(row)
    workbook.save(path)
    return path


def test_types_and_the_first_filled_sheet(tmp_path: Path) -> None:
    when = datetime(2026, 1, 5, 13, 0)
    rows = [
        ["id", "message", None, "message", "when"],
        [1, AR, 2.5, True, when],
        [],
        [2, FA],
        [3, EN, None, None, when, "x"],
    ]
    path = book(tmp_path / "export.csv", ("empty", []), ("الرسائل", rows))
    with open_source(path) as source:
        assert source.format == "xlsx"
        assert source.columns == ("id", "message", "column_3", "message_2", "when")
        assert source.description == "XLSX, sheet 'الرسائل'"
        first, second, third = source
        assert source.fraction() == 1.0
    assert first.values == {"id": 1, "message": AR, "column_3": 2.5, "message_2": True, "when": when}
    assert second.values == {"id": 2, "message": FA, "column_3": None, "message_2": None, "when": None}
    assert isinstance(third, Reject)
    assert third.reason == "row 3 has 6 cells, the header has 5 (sheet row 5)"


def test_a_sheet_by_name(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", ("one", [["text"], [AR]]), ("two", [["text"], [EN]]), ("none", []))
    with open_source(path, sheet="two") as source:
        assert [row.values["text"] for row in source] == [EN]
    with pytest.raises(InputError, match="no sheet 'three'; its sheets are: one, two, none"):
        open_source(path, sheet="three")
    with pytest.raises(InputError, match="'none' is empty"):
        open_source(path, sheet="none")


def test_values_not_formulas(tmp_path: Path) -> None:
    with open_source(book(tmp_path / "a.xlsx", ("s", [["text", "sum"], [EN, "=1+1"]]))) as source:
        assert next(source).values == {"text": EN, "sum": None}


def test_workbook_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = book(tmp_path / "a.xlsx", ("s", [["text"], [FA]])).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    with open_source("-") as source:
        assert [row.values["text"] for row in source] == [FA]


def test_other_zip_files_are_named(tmp_path: Path) -> None:
    for member, kind in [
        ("a.txt", "a ZIP archive"),
        ("word/document.xml", "a Word file"),
        ("xl/workbook.bin", "an XLSB"),
    ]:
        with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
            archive.writestr(member, "x")
        with pytest.raises(InputError, match=kind):
            open_source(tmp_path / "a.xlsx")
    path = book(tmp_path / "b.xlsx", ("s", [["text"], [EN]]))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="damaged"):
        open_source(path)


def test_parquet(tmp_path: Path) -> None:
    when = datetime(2026, 1, 5, 13, 0, tzinfo=UTC)
    table = pa.table(
        {
            "id": pa.array([1, 2, None], pa.int32()),
            "text": [AR, FA, EN],
            "when": pa.array([when, None, when], pa.timestamp("us", tz="UTC")),
            "exact": pa.array([1767600000123456789, None, 0], pa.timestamp("ns")),
            "tags": [["a"], [], None],
        }
    )
    pq.write_table(table, tmp_path / "a.bin")
    with open_source(tmp_path / "a.bin") as source:
        assert (source.format, source.columns) == ("parquet", ("id", "text", "when", "exact", "tags"))
        rows = [row.values for row in source]
        assert source.fraction() == 1.0
    assert rows[0] == {"id": 1, "text": AR, "when": when, "exact": "2026-01-05 08:00:00.123456789", "tags": ["a"]}
    assert [row["text"] for row in rows] == [AR, FA, EN]
    (tmp_path / "a.bin").write_bytes((tmp_path / "a.bin").read_bytes()[:-9])
    with pytest.raises(InputError, match="no readable Parquet file"):
        open_source(tmp_path / "a.bin")
