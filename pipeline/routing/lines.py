"""The line of a TOML text on which a key stands, for errors; tomllib itself is the judge, so it is never wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A valid TOML text and the name that errors give it."""

    name: str
    text: str = ""

    def at(self, *path: str | int) -> str:
        """`nabd.toml line 41`: where the value at `path` is set, else the nearest table around it; else the name alone.

        `("route", 2, "when")` is the key `when` of the third `[[route]]`. A value of several lines is where it begins.
        """
        while path:
            if line := self.line(path):
                return f"{self.name} line {line}"
            path = path[:-1]
        return self.name

    def line(self, path: Path) -> int | None:
        """From 1; None for what the text does not set.

        The lines up to some line are a text of their own unless it ends inside a statement. So the statement that sets
        `path` ends with the shortest such text that holds it, and begins below the longest that does not.
        """
        lines = self.text.split("\n")
        without, within = 0, len(lines)
        if not _holds(_parsed(lines), path):
            return None
        while within - without > 1:
            middle = (without + within) // 2
            whole = next((end for end in range(middle, without, -1) if _parsed(lines[:end]) is not None), None)
            if whole is not None and _holds(_parsed(lines[:whole]), path):
                within = whole
            else:
                without = middle
        return 1 + next(end for end in range(within - 1, -1, -1) if _parsed(lines[:end]) is not None)


def _parsed(lines: list[str]) -> dict[str, Any] | None:
    try:
        return tomllib.loads("".join(f"{line}\n" for line in lines))
    except tomllib.TOMLDecodeError:
        return None


def _holds(content: Any, path: Path) -> bool:
    for step in path:
        if isinstance(content, Mapping):
            if step not in content:
                return False
        elif not (isinstance(content, list) and isinstance(step, int) and step < len(content)):
            return False
        content = content[step]
    return True
