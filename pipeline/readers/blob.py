"""The bytes of one input: a file, a gzip file, or standard input spooled to a temporary file."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from pipeline.errors import InputError

HEAD_BYTES = 1 << 20
_BUFFER = 1 << 18
_GZIP = b"\x1f\x8b"


class Blob:
    """Input bytes that can be opened as often as needed; gzip is unpacked as a stream, never to disk."""

    def __init__(self, path: Path, *, name: str, temporary: bool = False) -> None:
        self.path = path
        self.name = name
        self.temporary = temporary
        self.size = path.stat().st_size
        self._raw: io.FileIO | None = None
        self._open: list[io.IOBase] = []
        with path.open("rb") as stream:
            self.gzipped = stream.read(2) == _GZIP

    @property
    def suffix(self) -> str:
        """The extension in lower case and without `.gz`, such as `.csv`."""
        name = self.name.lower().removesuffix(".gz")
        return Path(name).suffix

    def stream(self) -> BinaryIO:
        """A new stream from the first byte; `fraction` follows the last one opened."""
        self._raw = io.FileIO(self.path)
        buffered = io.BufferedReader(self._raw, _BUFFER)
        self._open.append(buffered)
        if not self.gzipped:
            return buffered
        unpacked = gzip.GzipFile(fileobj=buffered)
        self.close_first(unpacked)
        return cast(BinaryIO, unpacked)

    def close_first(self, stream: io.IOBase) -> None:
        """Leaves a stream that was opened on top of one of these to `close`."""
        self._open.insert(0, stream)

    def head(self) -> bytes:
        """The first bytes, enough to tell the format by."""
        with self.unpacking(), self.stream() as stream:
            return stream.read(HEAD_BYTES)

    def fraction(self) -> float:
        """Share of the bytes on disk read so far, in [0, 1]."""
        if self._raw is None or self._raw.closed or not self.size:
            return 1.0
        return min(1.0, self._raw.tell() / self.size)

    @contextmanager
    def unpacking(self) -> Iterator[None]:
        """Turns the faults of a damaged gzip file into one InputError."""
        try:
            yield
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InputError(f"{self.name}: the gzip data is damaged or cut short; fetch the file again") from error

    def close(self) -> None:
        for stream in self._open:
            stream.close()
        self._open.clear()
        if self.temporary:
            self.path.unlink(missing_ok=True)


def open_blob(path: str | Path) -> Blob:
    """`-` is standard input.

    Raises InputError when there is no such file, it is empty or may not be read.
    """
    if str(path) == "-":
        return _filled(Blob(_spool(sys.stdin.buffer), name="standard input", temporary=True))
    try:
        if Path(path).is_fifo():  # such as bash's <(...): it can be read only once
            with Path(path).open("rb") as stream:
                return _filled(Blob(_spool(stream), name=str(path), temporary=True))
        return _filled(Blob(Path(path), name=Path(path).name))
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; check the path") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder; give a file, or a folder of .eml messages") from error
    except PermissionError as error:
        raise InputError(f"{path} may not be read by this user; check its permissions") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def _filled(blob: Blob) -> Blob:
    if blob.size == 0:
        blob.close()
        raise InputError(f"{blob.name} is empty: 0 bytes")
    return blob


def _spool(stream: BinaryIO) -> Path:
    handle, name = tempfile.mkstemp(prefix="nabd-")
    try:
        with os.fdopen(handle, "wb") as spool:
            shutil.copyfileobj(stream, spool)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)
