"""Mailboxes: an mbox file, one EML message or a folder of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import InputError
from pipeline.readers.blob import Blob
from pipeline.readers.letter import COLUMNS, Unreadable, read_letter
from pipeline.readers.source import Facts, Source
from pipeline.records import Reject, Row

MAX_MESSAGE = 48 << 20
_KEPT = 10_000
_COLUMNS = (*COLUMNS, "headers")
_FROM = re.compile(rb"From \S+ .*\d:\d\d")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


def read_mbox(blob: Blob) -> Source:
    """Messages start at a `From ` line with a time after a blank line; `>From ` is unquoted (mboxrd)."""
    facts = Facts("mbox", _COLUMNS, "mbox mailbox")
    return Source(_rows(_split(blob)), facts, fraction=blob.fraction, close=blob.close)


def read_eml(blob: Blob) -> Source:
    with blob.unpacking(), blob.stream() as stream:
        message = stream.read(MAX_MESSAGE + 1)
    facts = Facts("eml", _COLUMNS, "one e-mail message")
    return Source(_rows(iter([message])), facts, fraction=blob.fraction, close=blob.close)


class _Folder:
    """The .eml files of a folder, in the order of their names."""

    def __init__(self, path: Path) -> None:
        self.files = sorted(file for file in path.rglob("*") if file.suffix.lower() == ".eml" and file.is_file())
        self.done = 0

    def messages(self) -> Iterator[bytes]:
        for file in self.files:
            self.done += 1
            with file.open("rb") as stream:
                yield stream.read(MAX_MESSAGE + 1)

    def fraction(self) -> float:
        return self.done / len(self.files)


def read_folder(path: Path) -> Source:
    """Raises InputError when the folder has no .eml file."""
    folder = _Folder(path)
    if not folder.files:
        raise InputError(f"{path} is a folder without .eml files; give a file, or a folder of .eml messages")
    facts = Facts("eml", _COLUMNS, f"folder of {len(folder.files):,} e-mail messages")
    return Source(_rows(folder.messages()), facts, fraction=folder.fraction, close=lambda: None)


def _rows(messages: Iterator[bytes]) -> Iterator[Row | Reject]:
    for number, raw in enumerate(messages, 1):
        start = {"raw": raw[:_KEPT].decode("utf-8", "backslashreplace")}
        if len(raw) > MAX_MESSAGE:
            yield Reject(number, f"message {number} is larger than {MAX_MESSAGE >> 20} MiB", start)
            continue
        try:
            yield Row(number, read_letter(raw))
        except Unreadable as error:
            yield Reject(number, f"message {number} cannot be read: {error}", start)


def _split(blob: Blob) -> Iterator[bytes]:
    """Of a message over MAX_MESSAGE only so much that its size still shows."""
    message = bytearray()
    blank = True
    with blob.unpacking(), blob.stream() as stream:
        stream.readline()
        while line := stream.readline(MAX_MESSAGE):
            if blank and _FROM.match(line):
                yield _unquoted(message)
                message = bytearray()
            elif len(message) <= MAX_MESSAGE:
                message += line
            blank = not line.strip()
    yield _unquoted(message)


def _unquoted(message: bytearray) -> bytes:
    return _QUOTED_FROM.sub(rb"\1", bytes(message))
