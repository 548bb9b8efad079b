"""Who did what: lines that are only added to, except that an erased customer's id is taken out of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.service.store.paging import Cursor, Order, Page
from pipeline.service.store.paging import page as paged
from pipeline.service.store.tables import Audit

NEWEST = Order(Audit.time, Audit.id, id_descends=True)


def note(session: Session, *, actor: str, action: str, now: datetime, target: str = "", **detail: Any) -> None:
    """`action` is such as `customer.forget`; `detail` must hold no message text and no customer beyond `target`."""
    session.add(Audit(time=now, actor=actor, action=action, target=target, detail=detail))


def page(session: Session, *, cursor: Cursor | None = None, limit: int = 50) -> Page[Audit]:
    """The newest first."""
    return paged(session, select(Audit), NEWEST, cursor=cursor, limit=limit)
