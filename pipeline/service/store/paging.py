"""Pages by keyset: a cursor says after which row to go on, so that rows put in meanwhile shift nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, and_, or_
from sqlalchemy.orm import InstrumentedAttribute, Session

from pipeline.errors import UsageError

Row = TypeVar("Row")
Cursor = Mapping[str, Any]
MOST = 1_000  # of one page


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows in order; `next` is the cursor of the page after, plain enough for JSON, None for the last."""

    items: list[Row]
    next: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Order:
    """By `first`, then by `id`, which tells rows apart; both descend or ascend as said."""

    first: InstrumentedAttribute[Any]
    id: InstrumentedAttribute[Any]
    first_descends: bool = True
    id_descends: bool = False

    def clauses(self) -> list[ColumnElement[Any]]:
        return [
            self.first.desc() if self.first_descends else self.first.asc(),
            self.id.desc() if self.id_descends else self.id.asc(),
        ]

    def after(self, cursor: Cursor) -> ColumnElement[bool]:
        """Rows behind the cursor. Raises UsageError for one that is not of this list."""
        first, last = self._read(cursor)
        later = self.first < first if self.first_descends else self.first > first
        behind = self.id < last if self.id_descends else self.id > last
        return or_(later, and_(self.first == first, behind))

    def cursor(self, row: Any) -> dict[str, Any]:
        value = getattr(row, self.first.key)
        return {
            self.first.key: value.isoformat() if isinstance(value, datetime) else value,
            "id": getattr(row, self.id.key),
        }

    def _read(self, cursor: Cursor) -> tuple[Any, Any]:
        kinds = {self.first.key: self.first.type.python_type, "id": self.id.type.python_type}
        if cursor.keys() == kinds.keys():
            try:
                return _READ[kinds[self.first.key]](cursor[self.first.key]), _READ[kinds["id"]](cursor["id"])
            except (TypeError, ValueError):
                pass
        raise UsageError("the cursor is not one of this list; take it from the answer before, or leave it out")


def page(session: Session, query: Select[Row], order: Order, *, cursor: Cursor | None, limit: int) -> Page[Row]:
    """Up to `limit` rows of `query`. Raises UsageError for a limit out of 1..1,000 or a cursor of another list."""
    if not 1 <= limit <= MOST:
        raise UsageError(f"limit is {limit}, expected 1 to {MOST:,}")
    if cursor is not None:
        query = query.where(order.after(cursor))
    found: Sequence[Row] = session.scalars(query.order_by(*order.clauses()).limit(limit + 1)).all()
    items = list(found[:limit])
    return Page(items, order.cursor(items[-1]) if len(found) > limit else None)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise TypeError
    return value


def _moment(value: Any) -> datetime:
    found = datetime.fromisoformat(_text(value))
    if found.tzinfo is None:
        raise ValueError
    return found


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise TypeError
    return value


_READ: dict[type, Callable[[Any], Any]] = {float: _number, str: _text, datetime: _moment, int: _whole}
