"""Where a file goes: beside its final place first, into it in one step when all is written."""

from __future__ import annotations

import errno
import io
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import OutputError

_CAUSES = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EACCES: "this user may not write there; choose another folder",
    errno.EPERM: "this user may not write there; choose another folder",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.ENOENT: "the folder does not exist; create it first",
    errno.EISDIR: "it is a folder; give a file name",
    errno.EPIPE: "the program that reads the output has stopped",
}


class Target:
    """A binary stream to `path`; `commit` puts it in place, `discard` leaves nothing behind.

    `-` is standard output, and something that is no regular file (a pipe, a device) is written to directly.
    """

    def __init__(self, path: str | Path, *, source: Path | None = None) -> None:
        self.name = "standard output" if str(path) == "-" else str(path)
        self.final: Path | None = None
        self.temporary: Path | None = None
        self._closed = False
        with self.reporting():
            self.stream = self._open(path, source)

    def _open(self, path: str | Path, source: Path | None) -> BinaryIO:
        if str(path) == "-":
            return sys.stdout.buffer
        final = Path(path).resolve()
        if source is not None and _is_same(final, source):
            raise OutputError(f"{path} is the input itself, which is never overwritten; choose another name")
        if final.is_dir():
            raise OSError(errno.EISDIR, "is a folder")
        if final.exists() and not final.is_file():
            return final.open("wb")
        self.final = final
        temporary = final.with_name(f".{final.name[:100]}.{secrets.token_hex(4)}.part")
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666)
        self.temporary = temporary
        return io.BufferedWriter(io.FileIO(handle, "wb"), 1 << 18)

    @property
    def streams(self) -> bool:
        """Whether someone reads along, so that what is written must be flushed."""
        return self.temporary is None

    def commit(self) -> None:
        with self.reporting():
            self.stream.flush()
            if self.temporary is None or self.final is None:
                self._close()
                return
            os.fsync(self.stream.fileno())
            self._close()
            os.replace(self.temporary, self.final)

    def discard(self) -> None:
        """Never raises, so that the error that led here is the one that shows."""
        try:
            self._close()
        except OSError:
            self._closed = True
        if self.temporary is not None:
            self.temporary.unlink(missing_ok=True)

    def _close(self) -> None:
        if self.stream is not sys.stdout.buffer and not self._closed:
            self._closed = True
            self.stream.close()

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Turns what the system says into an OutputError; what was written so far is discarded by the caller."""
        try:
            yield
        except OSError as error:
            cause = _CAUSES.get(error.errno or 0, error.strerror or "the system refused")
            raise OutputError(f"{self.name} cannot be written: {cause}") from error


def _is_same(final: Path, source: Path) -> bool:
    return final.exists() and source.exists() and os.path.samefile(final, source)
