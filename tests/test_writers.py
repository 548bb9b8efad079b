"""Atomic, complete and safe output."""

from __future__ import annotations

import errno
import io
import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from openpyxl import load_workbook

from pipeline.errors import OutputError, UsageError
from pipeline.readers import open_source
from pipeline.records import Reject
from pipeline.writers import RejectsWriter, open_writer, write_rejects
from pipeline.writers.formulas import guard

AR, FA, EN = "ما وصلني شي", "چیزی به دستم نرسید", "Nothing came"
ROWS = [{"id": "1", "text": AR}, {"id": "2", "text": FA}, {"id": "3", "text": EN}]
FORMATS = ["csv", "tsv", "csv.gz", "xlsx", "jsonl", "jsonl.gz", "parquet"]


def copy(first: Path, second: Path) -> None:
    with open_source(first) as source, open_writer(second, columns=source.columns, source=source) as writer:
        writer.write([row.values for row in source])


@pytest.mark.parametrize("suffix", FORMATS)
def test_nothing_is_left_after_an_exception(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out.{suffix}"
    path.write_text("earlier")

    def interrupted() -> None:
        with open_writer(path, columns=("id", "text")) as writer:
            writer.write(ROWS)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "earlier"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_file_appears_only_at_the_end(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out.{suffix}"
    with open_writer(path, columns=("id", "text")) as writer:
        writer.write(ROWS[:2])
        writer.write([])
        writer.write(ROWS[2:])
        assert not path.exists()
    assert os.listdir(tmp_path) == [path.name]
    with open_source(path) as source:
        assert [row.values for row in source] == ROWS


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_full_disk_is_one_clear_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out.{suffix}"

    def fill_the_disk() -> None:
        with open_writer(path, columns=("id", "text")) as writer:
            os.dup2(full.fileno(), writer.target.stream.fileno())
            writer.write([{"id": str(number), "text": os.urandom(500).hex()} for number in range(5000)])

    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with open("/dev/full", "wb") as full, pytest.raises(OutputError, match="the disk is full"):
        fill_the_disk()
    assert os.listdir(tmp_path) == []


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="the folder does not exist"):
        open_writer(tmp_path / "none" / "a.csv", columns=("id",))
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(OutputError, match="it is a folder"):
        open_writer(tmp_path / "a.csv", columns=("id",))
    with pytest.raises(OutputError, match=r"unknown extension '\.doc'"):
        open_writer(tmp_path / "a.doc", columns=("id",))
    with pytest.raises(UsageError, match="unknown output format 'doc'"):
        open_writer(tmp_path / "a.csv", columns=("id",), format="doc")
    with pytest.raises(OutputError, match="xlsx cannot be written to standard output"):
        open_writer("-", columns=("id",), format="xlsx")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="may not write there"):
        open_writer(tmp_path / "a.csv", columns=("id",))


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("id,text\n1,a b\n")
    (tmp_path / "link.csv").symlink_to(path)
    with open_source(path) as source:
        for name in (path, tmp_path / "link.csv", tmp_path / "." / "in.csv"):
            with pytest.raises(OutputError, match="the input itself"):
                open_writer(name, columns=("id",), source=source)
    assert path.read_text() == "id,text\n1,a b\n"


def test_unannounced_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not announced"), open_writer(tmp_path / "a.csv", columns=("id",)) as writer:
        writer.write(ROWS)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_standard_output_is_flushed_row_by_row(monkeypatch: pytest.MonkeyPatch, format: str) -> None:
    buffer = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BufferedWriter(_Raw(buffer))))
    with open_writer("-", columns=("id", "text"), format=format) as writer:
        writer.write(ROWS[:1])
        assert AR in buffer.getvalue().decode()
        writer.write(ROWS[1:])
    assert EN in buffer.getvalue().decode()


class _Raw(io.RawIOBase):
    def __init__(self, buffer: io.BytesIO) -> None:
        self._buffer = buffer

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return self._buffer.write(data)


class _Broken(_Raw):
    def write(self, data: bytes) -> int:  # type: ignore[override]
        raise BrokenPipeError(errno.EPIPE, "gone")


def test_a_closed_pipe_is_an_output_error(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = io.BufferedWriter(_Broken(io.BytesIO()))
    stdout = io.TextIOWrapper(broken)
    monkeypatch.setattr("sys.stdout", stdout)
    with pytest.raises(OutputError, match="the program that reads the output has stopped"):
        open_writer("-", columns=("id", "text"), format="csv")
    with suppress(BrokenPipeError):
        stdout.close()


RUN = [
    '+"a"&HYPERLINK("http://x.example")', "- (A1)", "+[b.xlsx]s!A1", "@a,WEBSERVICE(A1)", "+{1}*A1", "\uff0bSUM(A1)",
    "=1+1", "=cmd|' /C calc'!A0", " =A1", "\t=A1", "+SUM(A1:A2)", "-2+3+cmd|' /C calc'!A0", "@SUM(1,2)", "+A1",
    "-$B$2*3", "+1+A1", '=HYPERLINK("http://x.example")', "\uff1d1+1", "\n=1", "+Sheet1!A1", "+'my sheet'!A1",
]  # fmt: skip
SAFE = [
    "@shop the parcel(s) are late", "- see note(s) below", "-A4, please", "@a | what a day!", "@a @b C3PO is fun",
    "+ + + + + + + + + + + + + + + + + + + + + + + + + + + + + + + + + + + + no",
    "+966 50 123 4567", "-5", "-5.2%", "+1", "@handle hello", "- a dash line", "-", "@", "+",
    "-- sent from my phone", "- B2B service is bad", "+98 21 1234", "— خط فاصله", "- پشتیبانی جواب نداد",
    "-أولا: لم يصل", "a=1", "1+1", "", "'=1", "@شركة_التوصيل وينكم", "-A great app, really", "+1 (555) 010-9999",
]  # fmt: skip


@pytest.mark.parametrize("text", RUN)
def test_cells_that_would_run_are_text(text: str) -> None:
    assert guard(text) == f"'{text}"


@pytest.mark.parametrize("text", SAFE)
def test_cells_that_would_not_run_are_untouched(text: str) -> None:
    assert guard(text) == text


def test_csv_guards_cells_and_xlsx_stores_text(tmp_path: Path) -> None:
    rows = [{"a": text} for text in RUN]
    for name in ("a.csv", "a.xlsx"):
        with open_writer(tmp_path / name, columns=("a",)) as writer:
            writer.write(rows)
    with open_source(tmp_path / "a.csv") as source:
        assert [row.values["a"] for row in source] == [f"'{text}" for text in RUN]
    with open_source(tmp_path / "a.xlsx") as source:
        assert [row.values["a"] for row in source] == RUN
    tab = load_workbook(tmp_path / "a.xlsx").active
    assert {cell.data_type for (cell,) in tab.iter_rows()} == {"s"}


@pytest.mark.parametrize(
    ("encoding", "bom"), [("utf-8", False), ("utf-8-sig", True), ("cp1256", True), ("utf-16", True)]
)
def test_csv_keeps_the_delimiter_and_gets_a_bom_for_excel(tmp_path: Path, encoding: str, bom: bool) -> None:
    (tmp_path / "in.csv").write_bytes(f"id;text\n1;{AR}\n2;{AR}\n".encode(encoding))
    copy(tmp_path / "in.csv", tmp_path / "out.csv")
    content = (tmp_path / "out.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf") == bom
    assert content.decode("utf-8-sig") == f"id;text\r\n1;{AR}\r\n2;{AR}\r\n"


def test_json_lines_keep_the_order_of_each_row(tmp_path: Path) -> None:
    rows = [{"b": [1, {"ج": None}], "a": 1.5}, {"a": float("nan"), "b": "\ud800"}]
    with open_writer(tmp_path / "a.jsonl", columns=("a", "b")) as writer:
        writer.write(rows)
    lines = (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines == ['{"b": [1, {"ج": null}], "a": 1.5}', '{"a": null, "b": "\\ud800"}']


def test_types_of_appended_columns_in_parquet(tmp_path: Path) -> None:
    types = {"score": "float", "minutes": "int", "sure": "bool"}
    with open_writer(tmp_path / "a.parquet", columns=("text", *types), types=types) as writer:
        writer.write([{"text": AR, "score": 0.5, "minutes": 30, "sure": True}, {"text": EN}])
    with open_source(tmp_path / "a.parquet") as source:
        assert [str(field.type) for field in source.layout.schema] == ["string", "double", "int64", "bool"]
        assert next(source).values == {"text": AR, "score": 0.5, "minutes": 30, "sure": True}
        assert next(source).values == {"text": EN, "score": None, "minutes": None, "sure": None}
    with pytest.raises(UsageError, match="unknown column type 'date'"):
        open_writer(tmp_path / "b.parquet", columns=("a",), types={"a": "date"})
    with (
        pytest.raises(OutputError, match="column 'score'"),
        open_writer(tmp_path / "b.parquet", columns=("score",), types=types) as writer,
    ):
        writer.write([{"score": "high"}])
    assert os.listdir(tmp_path) == ["a.parquet"]


@pytest.mark.parametrize(
    "text", ["س" * 40_000, "😀" * 40_000, "_x0041_" * 9_000, "\r\n" * 20_000, "x" * 32_767, "x" * 32_768]
)
def test_xlsx_keeps_texts_over_the_cell_limit(tmp_path: Path, text: str) -> None:
    rows = [
        {"id": 1, "text": "a", "note": text},
        {"id": 2, "text": text, "note": text},
        {"id": 3, "text": "b", "note": "c"},
    ]
    with open_writer(tmp_path / "a.xlsx", columns=("id", "text", "note")) as writer:
        writer.write(rows)
    with open_source(tmp_path / "a.xlsx") as source:
        assert [row.values for row in source] == rows
    for tab in load_workbook(tmp_path / "a.xlsx").worksheets:
        for cells in tab.iter_rows(values_only=True):
            assert all(len(str(cell).encode("utf-16-le")) // 2 <= 32_767 for cell in cells)


@pytest.mark.parametrize(("text", "rtl"), [(AR, True), (FA, True), (EN, False)])
def test_xlsx_opens_from_the_side_its_text_starts(tmp_path: Path, text: str, rtl: bool) -> None:
    with open_writer(tmp_path / "a.xlsx", columns=("id", "text")) as writer:
        writer.write([{"id": 1, "text": text}])
    assert bool(load_workbook(tmp_path / "a.xlsx").active.sheet_view.rightToLeft) == rtl


def test_mail_and_helpdesk_go_out_as_json_lines(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_text("From: a@b.example\nSubject: x\n\nhello\n")
    copy(tmp_path / "a.eml", tmp_path / "scored")
    assert json.loads((tmp_path / "scored").read_text())["text"] == "hello\n"


def test_rejects_file_appears_only_with_rejects(tmp_path: Path) -> None:
    path = tmp_path / "out.rejects.jsonl"
    assert write_rejects(path, []) == 0
    assert not path.exists()
    with RejectsWriter(path) as writer:
        writer.write([Reject(3, "row 3 has 2 fields, the header has 4", {"id": "٣"})])
        assert not path.exists()
        writer.write([Reject(9, "too long")])
        assert writer.count == 2
    first, second = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert first == {"number": 3, "reason": "row 3 has 2 fields, the header has 4", "values": {"id": "٣"}}
    assert second == {"number": 9, "reason": "too long", "values": {}}
