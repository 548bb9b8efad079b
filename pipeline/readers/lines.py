"""Physical lines of bounded size, so that one endless line cannot fill the memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

MAX_LINE = 4_000_000
_DRAIN = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """`number` counts from 1; `size` is the true length in characters, of which `text` may hold only the start."""

    number: int
    text: str
    size: int

    @property
    def cut(self) -> bool:
        return self.size > len(self.text)


def bounded_lines(stream: TextIO, *, limit: int = MAX_LINE) -> Iterator[Line]:
    """Every line of the stream, with its line end; of a line over `limit` characters only the first `limit`."""
    number = 0
    while text := stream.readline(limit):
        number += 1
        size = len(text)
        if size == limit and not text.endswith(("\n", "\r")):
            size += _drain(stream)
        yield Line(number, text, size)


def _drain(stream: TextIO) -> int:
    size = 0
    while chunk := stream.readline(_DRAIN):
        size += len(chunk)
        if chunk.endswith(("\n", "\r")):
            break
    return size
