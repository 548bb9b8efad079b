"""The columns of JSON rows and the type of each, learnt in one pass."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.records import Reject, Row

_INT64 = 1 << 63


class Shape:
    """Columns in the order they are first seen."""

    def __init__(self) -> None:
        self._kinds: dict[str, set[str]] = {}

    def learn(self, rows: Iterable[Row | Reject]) -> None:
        for row in rows:
            if isinstance(row, Row):
                for name, value in row.values.items():
                    kinds = self._kinds.setdefault(name, set())
                    if value is not None:
                        kinds.add(_kind(value))

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self._kinds)

    @property
    def types(self) -> dict[str, str]:
        """Column to "bool", "int", "float" or, for text and whatever is mixed or nested, "string"."""
        return {name: _merged(kinds) for name, kinds in self._kinds.items()}


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if -_INT64 <= value < _INT64 else "string"
    return "float" if isinstance(value, float) else "string"


def _merged(kinds: set[str]) -> str:
    if kinds == {"int", "float"}:
        return "float"
    return next(iter(kinds)) if len(kinds) == 1 else "string"
