"""Delimited text: encodings, delimiters, quoting, sizes."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from pathlib import Path

import pytest

from pipeline.errors import InputError, UsageError
from pipeline.readers import MAX_CELL, open_source
from pipeline.readers.delimited import unique_names
from pipeline.records import Reject, Row

ARABIC = [
    "وصلت الطلبية متأخرة جداً، وأريد استرداد المبلغ كاملاً من فضلكم",
    "التطبيق يقفل لحاله كل ما أفتحه، شو الحل؟",
    "ليش ما حدا بيرد عليّ من مبارح؟",
]
PERSIAN = ["سفارش من هنوز نرسيده، لطفا پيگيري کنيد", "پول من را پس بدهيد، گوشي خراب است", "ژاکت را چرا نفرستاديد؟"]
ENGLISH = [
    "The café charged me twice, it’s naïve to wait",
    "Où est ma commande? Déjà payée",
    "Größe stimmt nicht, señor",
]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def read(path: Path, **options: str) -> tuple[list[Row], list[Reject]]:
    with open_source(path, **options) as source:
        items = list(source)
    return [item for item in items if isinstance(item, Row)], [item for item in items if isinstance(item, Reject)]


def table(messages: list[str], delimiter: str = ",") -> str:
    rows = [f'{number}{delimiter}"{text}"{delimiter}web' for number, text in enumerate(messages, 1)]
    return "\r\n".join([delimiter.join(("id", "message", "channel")), *rows]) + "\r\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("messages", [ARABIC, PERSIAN, ENGLISH], ids=["ar", "fa", "en"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_delimiter_and_encoding_are_found(tmp_path: Path, delimiter: str, messages: list[str], encoding: str) -> None:
    rows, rejects = read(write(tmp_path / "export.csv", table(messages, delimiter), encoding))
    assert not rejects
    assert [row.values["message"] for row in rows] == messages
    assert list(rows[0].values) == ["id", "message", "channel"]


@pytest.mark.parametrize(
    ("messages", "codec", "label"),
    [(ARABIC, "cp1256", "Windows-1256"), (PERSIAN, "cp1256", "Windows-1256"), (ENGLISH, "cp1252", "Windows-1252")],
)
def test_the_right_code_page_is_chosen(tmp_path: Path, messages: list[str], codec: str, label: str) -> None:
    path = write(tmp_path / "old.csv", table(messages, ";"), codec)
    with open_source(path) as source:
        assert source.description == f"CSV, ';' separated, {label}"
        assert source.layout.bom
        assert [item.values["message"] for item in source] == messages


@pytest.mark.parametrize("message", ["شكرا", "أريد refund الآن please", "القهوة في Café لذيذة"])
def test_one_short_arabic_message_in_windows_1256(tmp_path: Path, message: str) -> None:
    rows, _ = read(write(tmp_path / "a.csv", f"id,text\n1,{message}\n", "cp1256"))
    assert rows[0].values["text"] == message


@pytest.mark.parametrize(
    "message",
    [
        "it’s “fine”",
        "café",
        "Ça va très bien – merci",
        "€5 zu viel für nichts",
        "ÅÄÖ är inte på svenska",
        "¿Cómo está señor?",
    ],
)
def test_one_short_western_message_in_windows_1252(tmp_path: Path, message: str) -> None:
    with open_source(write(tmp_path / "a.csv", f"id,text\n1,{message} ok\n", "cp1252")) as source:
        assert next(source).values["text"] == f"{message} ok"


def test_legacy_bytes_far_into_the_file_are_seen(tmp_path: Path) -> None:
    filler = "".join(f"{number},all good so far\n" for number in range(80_000))
    rows, rejects = read(write(tmp_path / "a.csv", f"id,text\n{filler}99,{ARABIC[0]}\n", "cp1256"))
    assert not rejects
    assert rows[-1].values["text"] == ARABIC[0]


def test_a_bad_byte_rejects_its_row_only(tmp_path: Path) -> None:
    good = "".join(f"{number},{text}\n" for number, text in enumerate(ARABIC))
    path = tmp_path / "a.csv"
    path.write_bytes(f"id,text\n{good}".encode() + b"7,broken \xc7 here\n" + "8,سلام\n".encode())
    rows, rejects = read(path)
    assert [row.number for row in rows] == [1, 2, 3, 5]
    assert rejects[0].number == 4
    assert "column 'text' has bytes that are not UTF-8 (line 5)" in rejects[0].reason
    assert rejects[0].values["text"] == "broken \\xc7 here"


def test_the_wrong_encoding_says_where_and_what_to_pass(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", table(ARABIC), "cp1256")
    with pytest.raises(InputError, match=r"not UTF-8: the byte at offset 23 \(line 2\).*--encoding cp1256"):
        open_source(path, encoding="utf-8")
    with pytest.raises(UsageError, match="unknown encoding 'klingon'"):
        open_source(path, encoding="klingon")
    with pytest.raises(UsageError, match="unknown encoding 'rot13'"):
        open_source(path, encoding="rot13")
    assert read(path, encoding="windows-1256")[0][0].values["message"] == ARABIC[0]


def test_long_messages_full_of_commas_do_not_hide_the_semicolon(tmp_path: Path) -> None:
    lines = [f"{number};first, second, third, and {number} more, please;web" for number in range(50)]
    rows, rejects = read(write(tmp_path / "a.csv", "\n".join(["id;text;channel", *lines])))
    assert len(rows) == 50
    assert not rejects


def test_one_column_without_a_delimiter(tmp_path: Path) -> None:
    rows, rejects = read(write(tmp_path / "a.csv", "text\nمرحبا، أين طلبي\nسلام, خوبی\nhello, there, you\n"))
    assert [row.values["text"] for row in rows] == ["مرحبا، أين طلبي", "سلام, خوبی", "hello, there, you"]
    assert not rejects


def test_excel_states_its_delimiter(tmp_path: Path) -> None:
    rows, _ = read(write(tmp_path / "a.csv", "sep=^\r\nid^text\r\n1^a, b; c\r\n"))
    assert rows[0].values == {"id": "1", "text": "a, b; c"}


def test_delimiter_option(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "id~text\n1~a,b\n2~c,d\n")
    assert read(path, delimiter="~")[0][1].values == {"id": "2", "text": "c,d"}
    assert read(write(tmp_path / "b.txt", "id\ttext\n1\tx y\n"), delimiter="tab")[0][0].values["text"] == "x y"
    with pytest.raises(UsageError, match="one character"):
        open_source(path, delimiter="::")


def test_quoted_newlines_and_quotes(tmp_path: Path) -> None:
    rows, rejects = read(write(tmp_path / "a.csv", 'id,text\r\n1,"سطر\r\n\r\nآخر ""مهم"""\r\n2,5" screen\r\n'))
    assert not rejects
    assert [row.values["text"] for row in rows] == ['سطر\r\n\r\nآخر "مهم"', '5" screen']


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_an_unclosed_quote_swallows_nothing(tmp_path: Path, line_end: str) -> None:
    lines = ["id,text,channel", "1,أولى,web", '2,"مفتوحة,web', '3,"ثالثة, سليمة",web', "4,چهارمی,web"]
    rows, rejects = read(write(tmp_path / "a.csv", line_end.join(lines) + line_end))
    assert [row.values["id"] for row in rows] == ["1", "3", "4"]
    assert [row.number for row in rows] == [1, 3, 4]
    assert [(one.number, one.values["raw"].strip()) for one in rejects] == [(2, '2,"مفتوحة,web')]
    assert rejects[0].reason.startswith("row 2 has broken quoting")
    assert "(line 3)" in rejects[0].reason


def test_an_unclosed_quote_with_no_other_quote_in_the_file(tmp_path: Path) -> None:
    rest = [f"{number},hello again" for number in range(3, 5000)]
    rows, rejects = read(write(tmp_path / "a.csv", "\n".join(["id,text", "1,fine", '2,"open', *rest])))
    assert len(rows) == 4998
    assert [one.number for one in rejects] == [2]


def test_stray_quotes_inside_a_long_message_are_one_reject(tmp_path: Path) -> None:
    text = 'id,text,channel\n1,"he said "hi" to me\nand left\n\nfor good",web\n2,"fine\nhere",web\n'
    rows, rejects = read(write(tmp_path / "a.csv", text))
    assert [row.values["text"] for row in rows] == ["fine\nhere"]
    assert len(rejects) == 1
    assert "for good" in rejects[0].values["raw"]


def test_wrong_field_counts(tmp_path: Path) -> None:
    lines = ["a,b,c,d,e,f,g", "1,2,3,4,5,6,7", "1,2,3,4,5", "1,2,3,4,5,6,7,8", "1,2,3,4,5,6,7,,", "", "7,6,5,4,3,2,1"]
    rows, rejects = read(write(tmp_path / "a.csv", "\n".join(lines)))
    assert [row.number for row in rows] == [1, 4, 5]
    assert rejects[0].reason == "row 2 has 5 fields, the header has 7 (line 3)"
    assert rejects[1].reason == "row 3 has 8 fields, the header has 7 (line 4)"
    assert rejects[1].values["extra_fields"] == ["8"]


def test_header_names_are_made_unique() -> None:
    assert unique_names(["text", "", "text", "text", "text_2", " "]) == (
        "text", "column_2", "text_3", "text_4", "text_2", "column_6",
    )  # fmt: skip


def test_a_long_cell_is_a_reject_with_its_size(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", f"id,text\n1,{'س' * (MAX_CELL + 1)}\n2,{'س' * MAX_CELL}\n")
    rows, rejects = read(path)
    assert [row.values["id"] for row in rows] == ["2"]
    assert "column 'text' holds 1,000,001 characters, the limit is 1,000,000" in rejects[0].reason
    assert len(rejects[0].values["text"]) == 1000


@pytest.mark.parametrize("quoted", [True, False], ids=["quoted over many lines", "one line"])
def test_a_cell_of_100_mb_takes_little_memory(tmp_path: Path, quoted: bool) -> None:
    path = tmp_path / "a.csv"
    piece = ("x" * 999 + ("\n" if quoted else "x")).encode() * 1_000
    with path.open("wb") as stream:
        stream.write(b'id,text\n1,before\n2,"' if quoted else b"id,text\n1,before\n2,")
        for _ in range(100):
            stream.write(piece)
        stream.write(b'"\n3,after\n' if quoted else b"\n3,after\n")
    tracemalloc.start()
    rows, rejects = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [row.values["id"] for row in rows] == ["1", "3"]
    assert [one.number for one in rejects] == [2]
    assert "100,00" in rejects[0].reason
    assert peak < 100e6


def test_memory_is_flat_in_the_size_of_the_file(tmp_path: Path) -> None:
    line = f'77,"{ARABIC[0]}, {PERSIAN[1]}",{ENGLISH[0]},web\n'.encode()
    peaks = []
    for size in (5_000_000, 50_000_000):
        path = tmp_path / f"{size}.csv"
        path.write_bytes(b"id,text,note,channel\n" + line * (size // len(line)))
        tracemalloc.start()
        with open_source(path) as source:
            assert source.fraction() < 0.5
            for _ in zip(range(size // len(line) // 10), source, strict=False):
                pass
            middle = source.fraction()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert 0.05 < middle < 0.25
    assert peaks[1] < peaks[0] + 2e6
    assert peaks[1] < 30e6


def test_gzip_and_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(table(ARABIC, "\t").encode("utf-16"))
    path = tmp_path / "a.csv.gz"
    path.write_bytes(packed)
    assert len(read(path)[0]) == 3
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(packed)))
    with open_source("-") as source:
        assert source.path is None
        assert [row.values["message"] for row in source] == ARABIC
        assert source.fraction() == 1.0
    path.write_bytes(packed[:-20])
    with pytest.raises(InputError, match="damaged or cut short"):
        open_source(path)


def test_nul_bytes_in_a_cell_are_kept(tmp_path: Path) -> None:
    body = "".join(f"{number},{ARABIC[number % 3]}\n" for number in range(20))
    rows, _ = read(write(tmp_path / "a.csv", f"id,text\n{body}21,nul \0 inside\n"))
    assert rows[-1].values["text"] == "nul \0 inside"


BINARY = [
    (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "a PNG picture"),
    (b"%PDF-1.7\n" + bytes(200), "a PDF document"),
    (bytes(range(256)) * 20, "a binary file"),
    (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old .xls workbook"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "workbook with a password"),
    (b"PK\x03\x04 and then nothing", "damaged ZIP"),
]


@pytest.mark.parametrize(("content", "kind"), BINARY, ids=[kind for _, kind in BINARY])
def test_what_is_no_table_is_named(tmp_path: Path, content: bytes, kind: str) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=kind):
        open_source(path)


def test_files_that_hold_nothing(tmp_path: Path) -> None:
    for name, content, message in [
        ("empty.csv", "", "empty: 0 bytes"),
        ("header.csv", "id,text\n", "no rows below its header"),
        ("blank.csv", "\n\n", "no header row"),
        ("empty.json", "[]", "no JSON list of objects"),
        ("blank.jsonl", "\n\n", "holds no rows"),
    ]:
        with pytest.raises(InputError, match=message):
            open_source(write(tmp_path / name, content))


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        open_source(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"without \.eml files"):
        open_source(tmp_path)
    with pytest.raises(UsageError, match="unknown input format 'doc'"):
        open_source(write(tmp_path / "a.csv", "a,b\n1,2\n"), format="doc")
