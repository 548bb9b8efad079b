"""Which format an input is in: told by its content, the extension only breaks ties."""

from __future__ import annotations

import json
import re
import zipfile

from pipeline.errors import InputError
from pipeline.readers.blob import Blob
from pipeline.readers.encoding import decode_head

_SIGNATURES = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3", "an SQLite database"),
    (b"ARROW1", "an Arrow file"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"{\\rtf", "an RTF document"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_READABLE = "CSV, XLSX, JSONL, JSON, Parquet, mbox or EML"
_CONTROL_LIMIT = 0.01
_JSON_LINES = (".jsonl", ".ndjson", ".jl")
_FROM_LINE = re.compile(rb"From \S+ .*\d:\d\d")
_HEADER_LINE = re.compile(r"[A-Za-z][A-Za-z0-9-]*:(?: |$)")
_MAIL_HEADERS = ("from:", "date:", "subject:", "received:", "return-path:", "message-id:", "mime-version:")


def sniff(blob: Blob) -> str:
    """One of the formats of `open_source`; text of no other shape is CSV.

    Raises InputError naming what the file looks like.
    """
    head = blob.head()
    if head.startswith(b"PK\x03\x04"):
        return _zipped(blob)
    if head.startswith(_OLE):
        raise InputError(_ole(blob, head))
    if head.startswith(b"PAR1"):
        return "parquet"
    for mark, kind in _SIGNATURES:
        if head.startswith(mark):
            raise _refusal(blob, kind)
    if _FROM_LINE.match(head):
        return "mbox"
    return _text_format(blob, decode_head(head))


def _text_format(blob: Blob, text: str) -> str:
    start = text.lstrip("\ufeff \t\r\n")
    lower = start[:200].lower()
    if lower.startswith(("<!doctype html", "<html")):
        raise _refusal(blob, "a web page (HTML)")
    if lower.startswith("<?xml"):
        raise _refusal(blob, "an XML document")
    controls = sum(char < " " and char not in "\t\n\r" for char in text)
    if controls > _CONTROL_LIMIT * len(text):
        raise _refusal(blob, "a binary file")
    if re.match(r'\{\s*["}]|\[\s*[\[{\]]', start):
        return _json_format(blob, start)
    if _is_mail(start):
        return "eml"
    return "jsonl" if blob.suffix in _JSON_LINES else "csv"


def _json_format(blob: Blob, start: str) -> str:
    if start.startswith("["):
        return "jsonl" if blob.suffix in _JSON_LINES else "json"
    if blob.suffix in _JSON_LINES:
        return "jsonl"
    first, _, rest = start.partition("\n")
    try:
        json.loads(first)
    except ValueError:
        return "json"
    return "jsonl" if rest.strip() else "json"


def _is_mail(text: str) -> bool:
    """Two header lines on top, one of them a header that every mail has."""
    head = re.split(r"\r?\n\r?\n", text[:20_000], maxsplit=1)[0]
    lines = [line for line in head.splitlines() if not line.startswith((" ", "\t"))]
    named = [line for line in lines if line.lower().startswith(_MAIL_HEADERS)]
    return len(lines) > 1 and bool(named) and all(_HEADER_LINE.match(line) for line in lines)


def _zipped(blob: Blob) -> str:
    if blob.gzipped:
        raise _refusal(blob, "a ZIP archive inside gzip")
    try:
        with zipfile.ZipFile(blob.path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise InputError(f"{blob.name} is a damaged ZIP or XLSX file; save or fetch it again") from error
    if "xl/workbook.xml" in names:
        return "xlsx"
    kinds = {"xl/workbook.bin": "an XLSB workbook", "word/document.xml": "a Word file", "content.xml": "an ODF file"}
    raise _refusal(blob, next((kind for name, kind in kinds.items() if name in names), "a ZIP archive"))


def _ole(blob: Blob, head: bytes) -> str:
    if "EncryptedPackage".encode("utf-16-le") in head:
        return f"{blob.name} is a workbook with a password; save it without one"
    return f"{blob.name} is an old .xls workbook; save it as .xlsx or CSV"


def _refusal(blob: Blob, kind: str) -> InputError:
    return InputError(f"{blob.name} looks like {kind}; expected {_READABLE}")
