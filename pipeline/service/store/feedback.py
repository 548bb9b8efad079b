"""What people said: of a label of a message, or of a customer."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pipeline.records import Annotation
from pipeline.service.store.contact import LEFT, STAYED
from pipeline.service.store.paging import Cursor, Order, Page
from pipeline.service.store.paging import page as paged
from pipeline.service.store.tables import Customer, Feedback, Message

NEWEST = Order(Feedback.created_at, Feedback.id, id_descends=True)


def on_message(
    session: Session, message_id: str, *, task: str, label: str, actor: str, now: datetime
) -> Feedback | None:
    """A person's label; the message then needs no review. None when there is no such message."""
    message = session.get(Message, message_id)
    if message is None:
        return None
    prediction = message.scored.get(task) or {}
    row = Feedback(
        id=str(uuid4()), message_id=message_id, customer_id=None, task=task, label=label,
        said=prediction.get("label", ""), actor=actor, created_at=now,
    )  # fmt: skip
    session.execute(update(Message).where(Message.id == message_id).values(reviewed=True))
    session.add(row)
    session.flush()
    return row


def on_customer(
    session: Session, customer_id: str, *, task: str, actor: str, now: datetime, label: str = ""
) -> Feedback | None:
    """`left`, on the ISO day in `label` where it is known, or `stayed`. None when there is no such customer.

    The customer must be judged anew after it.
    """
    customer = session.get(Customer, customer_id)
    if customer is None:
        return None
    row = Feedback(
        id=str(uuid4()), message_id=None, customer_id=customer_id, task=task, label=label, said=customer.band,
        actor=actor, created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def page(session: Session, *, cursor: Cursor | None = None, limit: int = 50) -> Page[Feedback]:
    """The newest first."""
    return paged(session, select(Feedback), NEWEST, cursor=cursor, limit=limit)


def on_messages_of(session: Session, customer_id: str) -> dict[str, dict[str, str]]:
    """Message -> task -> the last label that a person gave."""
    query = (
        select(Feedback)
        .join(Message, Feedback.message_id == Message.id)
        .where(Message.customer_id == customer_id)
        .order_by(Feedback.created_at, Feedback.id)
    )
    found: dict[str, dict[str, str]] = {}
    for row in session.scalars(query):
        found.setdefault(str(row.message_id), {})[row.task] = row.label
    return found


def annotated(session: Session) -> list[Annotation]:
    """All that people said of labels of messages, the earliest first: what `nabd retrain --feedback` learns from."""
    query = select(Feedback, Message.text, Message.customer_id, Message.time).join(
        Message, Feedback.message_id == Message.id
    )
    return [
        Annotation(
            str(row.message_id), row.task, row.label, row.said, row.actor, row.created_at, text, customer or "", time
        )
        for row, text, customer, time in session.execute(query.order_by(Feedback.created_at, Feedback.id))
    ]


def last_word(session: Session, customer_id: str) -> Feedback | None:
    """The latest on whether the customer left."""
    query = select(Feedback).where(Feedback.customer_id == customer_id, Feedback.task.in_((LEFT, STAYED)))
    return session.scalars(query.order_by(Feedback.created_at.desc(), Feedback.id).limit(1)).first()
