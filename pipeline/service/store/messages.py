"""The messages of the store."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.records import Contact
from pipeline.service.store import feedback
from pipeline.service.store.contact import contact, corrected, with_word
from pipeline.service.store.insert import given, insert
from pipeline.service.store.paging import Cursor, Order, Page
from pipeline.service.store.paging import page as paged
from pipeline.service.store.tables import Message

KEPT = ("id", "created_at", "reviewed")  # of a message that comes again
NEWEST = Order(Message.time, Message.id, id_descends=True)


def add(session: Session, message: Message) -> Message:
    """Keeps a message; the same id again replaces everything but its feedback and the day that it was first kept."""
    values = given(message)
    statement = insert(session, Message).values(**values)
    replaced = {name: statement.excluded[name] for name in values if name not in KEPT}
    statement = statement.on_conflict_do_update(index_elements=["id"], set_=replaced).returning(Message)
    stored: Message = session.scalars(statement, execution_options={"populate_existing": True}).one()
    return stored


def get(session: Session, id: str) -> Message | None:
    return session.get(Message, id)


def page(
    session: Session, *, customer: str | None = None, cursor: Cursor | None = None, limit: int = 50
) -> Page[Message]:
    """The newest first, of one customer or of all."""
    query = select(Message)
    if customer is not None:
        query = query.where(Message.customer_id == customer)
    return paged(session, query, NEWEST, cursor=cursor, limit=limit)


def contacts(session: Session, customer_id: str) -> list[Contact]:
    """The history of a customer in time order, as people have corrected it: what `risk` folds over."""
    rows = session.scalars(
        select(Message).where(Message.customer_id == customer_id).order_by(Message.time, Message.id)
    ).all()
    said = feedback.on_messages_of(session, customer_id)
    found = [corrected(contact(row, number), said.get(row.id, {})) for number, row in enumerate(rows, 1)]
    return with_word(found, feedback.last_word(session, customer_id))
