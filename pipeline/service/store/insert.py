"""INSERT ... ON CONFLICT, which both databases know in one form but SQLAlchemy has once for each."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from pipeline.service.store.connect import SQLITE


def insert(session: Session, into: Any) -> Any:
    """The INSERT of the session's database, with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return (sqlite if session.get_bind().dialect.name == SQLITE else postgresql).insert(into)


def given(row: Any) -> dict[str, Any]:
    """The columns of a new row object that were set; the others take their defaults."""
    table: Table = type(row).__table__
    return {name: value for name, value in vars(row).items() if name in table.columns}
