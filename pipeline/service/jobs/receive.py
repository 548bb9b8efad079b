"""A multipart upload (RFC 7578) streamed to disk: one file and a few short fields, never more than was allowed."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from http import HTTPStatus
from io import FileIO
from pathlib import Path

from anyio import to_thread
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from pipeline.script import is_printable
from pipeline.service.jobs import files
from pipeline.service.jobs.describe import NAMED
from pipeline.service.keeping import storable
from pipeline.service.problems import Refusal

LONGEST_FIELD, LONGEST_NAME = 1_000, 300
OVERHEAD = 64 * 1024  # of a multipart body beside its file
SPARE = 64 * 1024 * 1024  # bytes of the disk that an upload leaves alone
ROOM = 3  # an upload, its result and the result while it is written
FILE = "file"


@dataclass(frozen=True, slots=True)
class Received:
    """`filename` is as the client called it, for people; `fields` are the columns that the client named."""

    path: Path
    filename: str
    size: int
    digest: str
    fields: dict[str, str]


async def receive(request: Request, own: Path, *, limit: int) -> Received:
    """The file of the body, in the folder `own`. Raises Refusal: 413 over `limit` bytes, 507 without room for it."""
    form = _Form(_boundary(request), own, limit)
    try:
        told = int(request.headers.get("content-length") or 0)
    except ValueError:
        told = 0
    if told > limit + OVERHEAD:
        raise _too_large(limit)
    _check_room(own, told)
    try:
        async for chunk in request.stream():
            if chunk:
                await to_thread.run_sync(form.write, chunk)
        return form.finish()
    finally:
        form.close()


class _Form:
    """The parts of one body, as the parser of python-multipart tells of them."""

    def __init__(self, boundary: bytes, own: Path, limit: int) -> None:
        self._own, self._limit = own, limit
        self._fields: dict[str, str] = {}
        self._name = self._filename = ""
        self._header, self._value = bytearray(), bytearray()
        self._part: bytearray | FileIO | None = None
        self._path: Path | None = None
        self._size = self._read = 0
        self._digest = hashlib.sha256()
        callbacks = {
            name: getattr(self, f"_{name}")
            for name in (
                "on_header_field", "on_header_value", "on_header_end", "on_headers_finished", "on_part_data",
                "on_part_end",
            )
        }  # fmt: skip
        self._file: FileIO | None = None
        self._parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
        self._disposition = b""

    def write(self, chunk: bytes) -> None:
        self._read += len(chunk)
        if self._read > self._limit + OVERHEAD:
            raise _too_large(self._limit)
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise Refusal(
                HTTPStatus.BAD_REQUEST, "the body is not the multipart/form-data that it says it is"
            ) from None

    def finish(self) -> Received:
        try:
            self._parser.finalize()
        except FormParserError:
            raise Refusal(HTTPStatus.BAD_REQUEST, "the body ends before the form does; send it again") from None
        if self._part is not None:
            raise Refusal(HTTPStatus.BAD_REQUEST, "the body ends before the form does; send it again")
        if self._path is None:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, f"the form has no field {FILE!r} that holds a file")
        if not self._size:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "the file is empty: 0 bytes")
        return Received(self._path, self._filename, self._size, self._digest.hexdigest(), self._fields)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._disposition = b""
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        filename = options.get(b"filename")
        if self._name == FILE and filename is not None and self._path is None:
            self._filename = shown(filename.decode("utf-8", "replace"))
            self._path = files.new_upload(self._own, self._filename)
            handle = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, files.FILE_MODE)
            self._part = self._file = FileIO(handle, "wb")
        elif self._name in NAMED and filename is None and self._name not in self._fields:
            self._part = bytearray()
        else:
            expected = f"one file as {FILE!r} and, each once, {', '.join(NAMED)}"
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, f"the form has a field too many, expected {expected}")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        if isinstance(self._part, FileIO):
            self._size += len(piece)
            if self._size > self._limit:
                raise _too_large(self._limit)
            self._digest.update(piece)
            _write(self._part, piece)
        elif self._part is not None:
            self._part += piece
            if len(self._part) > LONGEST_FIELD:
                detail = f"the form field {self._name!r} is over {LONGEST_FIELD:,} bytes"
                raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, detail)

    def _on_part_end(self) -> None:
        if isinstance(self._part, bytearray):
            self._fields[self._name] = self._part.decode("utf-8", "replace")
        self._part = None


def shown(filename: str) -> str:
    """A client's file name for people: without folders and control characters. It is escaped where it is shown."""
    name = storable(filename).replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in name if is_printable(char))[:LONGEST_NAME] or "upload"


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected multipart/form-data with a file as {FILE!r}")
    return options[b"boundary"]


def _write(file: FileIO, piece: bytes) -> None:
    view = memoryview(piece)
    try:
        while view:
            view = view[file.write(view) :]
    except OSError:
        raise Refusal(HTTPStatus.INSUFFICIENT_STORAGE, "the upload cannot be stored: the disk refuses it") from None


def _check_room(own: Path, size: int) -> None:
    if shutil.disk_usage(own).free < ROOM * size + SPARE:
        raise Refusal(
            HTTPStatus.INSUFFICIENT_STORAGE, "too little room on the disk for this upload and its result; free some"
        )


def _too_large(limit: int) -> Refusal:
    detail = f"the file is over {limit:,} bytes; split it, or raise max_upload in the settings"
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
