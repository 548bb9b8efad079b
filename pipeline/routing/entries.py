"""One `[[route]]` or `[[queue]]` of a settings file, and errors that say on which line it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import UsageError
from pipeline.routing.lines import Document


@dataclass(frozen=True, slots=True)
class Entry:
    """The table number `index`, from 0, of its `kind` ("route")."""

    document: Document
    kind: str
    index: int
    table: Mapping[str, Any]

    @property
    def title(self) -> str:
        """As people count: route 3 ('billing')."""
        return f"{self.kind} {self.index + 1} ({self.table.get('name', 'unnamed')!r})"

    def error(self, message: str, *path: str) -> UsageError:
        """To raise; `path` leads from the table to the key at fault."""
        return UsageError(f"{self.document.at(self.kind, self.index, *path)}, {self.title}: {message}")

    def check(self, kinds: Mapping[str, type], *, needed: tuple[str, ...]) -> None:
        """Raises UsageError for an unknown key, a value that is not of its kind, or a needed key that is missing."""
        for key, value in self.table.items():
            if key not in kinds:
                raise self.error(f"unknown key {key!r}, expected one of {', '.join(kinds)}", key)
            if not isinstance(value, kinds[key]) or isinstance(value, bool):
                raise self.error(f"{key} must be {kinds[key].__name__}, found {type(value).__name__}", key)
        if missing := [key for key in needed if key not in self.table]:
            raise self.error(f"{', '.join(missing)} missing")


def entries(tables: Any, kind: str, document: Document) -> list[Entry]:
    """Raises UsageError for what is not written as `[[kind]]`."""
    if not isinstance(tables, list):
        raise UsageError(f"{document.at(kind)}: expected tables written as [[{kind}]], found {type(tables).__name__}")
    for index, table in enumerate(tables):
        if not isinstance(table, Mapping):
            where = f"{document.at(kind, index)}, {kind} {index + 1}"
            raise UsageError(f"{where}: expected a table written as [[{kind}]], found {type(table).__name__}")
    return [Entry(document, kind, index, table) for index, table in enumerate(tables)]
