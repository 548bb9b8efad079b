"""The tables of the store. Times are UTC; `id`s are the caller's own where there are any, else random (UUID 4)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from pipeline.service.store.moment import Moment

ID = String(200)
NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
}  # a migration can only change what has a name


class Base(DeclarativeBase):
    """`Moment` is a UTC time on every database."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {datetime: Moment, dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012


class Customer(Base):
    """One customer, by the caller's id. `risk` and what follows it is as of `judged_at`, for lists and filters.

    `drivers` is name -> share, in [0, 1], and evidence, the ids of messages; the largest first.
    """

    __tablename__ = "customers"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    created_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    last_contact: Mapped[datetime | None]
    risk: Mapped[float] = mapped_column(default=0.0)
    band: Mapped[str] = mapped_column(String(20), default="low")
    trend: Mapped[str] = mapped_column(String(20), default="steady")
    drivers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    value: Mapped[float | None]
    judged_at: Mapped[datetime | None] = mapped_column(index=True)
    messages: Mapped[list[Message]] = relationship(back_populates="customer", cascade="all, delete-orphan")

    __table_args__ = (Index("customers_by_risk", "band", "risk", "id"),)


class Message(Base):
    """One message of a customer with what Nabd said of it. `text` is masked, raw or absent as `store_text` says.

    `scored` is the whole `Scored` as a document; the columns beside it are those that are searched or counted by.
    `outcome` is what the desk recorded: the fields of `records.Outcome`.
    """

    __tablename__ = "messages"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    customer_id: Mapped[str | None] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    ticket: Mapped[str] = mapped_column(ID, default="")
    time: Mapped[datetime]
    channel: Mapped[str] = mapped_column(String(100), default="")
    text: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(20))
    category: Mapped[str] = mapped_column(String(100))
    topic: Mapped[str] = mapped_column(String(100))
    sentiment: Mapped[str | None] = mapped_column(String(20))
    queue: Mapped[str] = mapped_column(String(200))
    uncertainty: Mapped[float] = mapped_column(default=0.0)  # of its topic, as `calibrate.uncertainty`
    review: Mapped[list[str]] = mapped_column(default=list)
    reviewed: Mapped[bool] = mapped_column(default=False)
    model: Mapped[str] = mapped_column(String(200))
    scored: Mapped[dict[str, Any]]
    outcome: Mapped[dict[str, Any]] = mapped_column(default=dict)
    source: Mapped[str] = mapped_column(String(100), default="api")  # api, a job's id, or a helpdesk's name
    created_at: Mapped[datetime] = mapped_column(index=True)
    customer: Mapped[Customer | None] = relationship(back_populates="messages")

    __table_args__ = (
        Index("messages_to_review", "reviewed", "language", "uncertainty", "id"),
        Index("messages_in_time", "time", "id"),
        Index("messages_of_customer", "customer_id", "time", "id"),
    )


class Feedback(Base):
    """An agent's word on a label of a message (`task` and `label`) or on a customer (`task` is `left` or `stayed`)."""

    __tablename__ = "feedback"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    message_id: Mapped[str | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    customer_id: Mapped[str | None] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), index=True)
    task: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(100))
    said: Mapped[str] = mapped_column(String(100), default="")  # what the model had said
    actor: Mapped[str] = mapped_column(ID)
    created_at: Mapped[datetime] = mapped_column(index=True)


class Job(Base):
    """One uploaded export to score. `state`: uploaded, queued, running, done, failed or cancelled.

    Files lie in the folder of uploads under the job's id; no path comes from a client. `done` of `rows` are through.
    `beat_at` is when its worker last said that it is alive.
    """

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    state: Mapped[str] = mapped_column(String(20), index=True)
    filename: Mapped[str] = mapped_column(String(300))  # as the client called it, for people
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)  # role, such as customer -> column
    rows: Mapped[int | None]
    done: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    customers: Mapped[list[str]] = mapped_column(default=list)  # whom its files speak of, for erasure
    summary: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error: Mapped[str] = mapped_column(Text, default="")
    model: Mapped[str] = mapped_column(String(200), default="")
    actor: Mapped[str] = mapped_column(ID)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    beat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Key(Base):
    """An API key: only a hash of its secret is kept. `scopes` are of score, read, write and admin."""

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    secret: Mapped[str] = mapped_column(String(200))
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class User(Base):
    """Someone who logs in to the console; `password` is an argon2 hash."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    password: Mapped[str] = mapped_column(String(300))
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]


class Login(Base):
    """A session of the console; `id` is the hash of the cookie's secret."""

    __tablename__ = "logins"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    user: Mapped[str] = mapped_column(ForeignKey("users.name", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Audit(Base):
    """Who did what to what; `detail` holds no message text and no customer beyond `target`."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    time: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(ID)
    action: Mapped[str] = mapped_column(String(60))
    target: Mapped[str] = mapped_column(ID, default="")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Answered(Base):
    """The answer that an idempotency key of an actor got, and the digest of what was asked."""

    __tablename__ = "answered"

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    actor: Mapped[str] = mapped_column(ID, primary_key=True)
    asked: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    body: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(index=True)


class Outgoing(Base):
    """An event for the desk's own systems. `state`: waiting, sent or dead; `next_at` is when it is tried again."""

    __tablename__ = "outgoing"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    event: Mapped[str] = mapped_column(String(60))
    customer_id: Mapped[str | None] = mapped_column(ID, index=True)
    body: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(20), default="waiting", index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    next_at: Mapped[datetime] = mapped_column(index=True)


class Received(Base):
    """A webhook that came in, so that a second copy of it is not taken twice."""

    __tablename__ = "received"

    provider: Mapped[str] = mapped_column(String(40), primary_key=True)
    event: Mapped[str] = mapped_column(String(200), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
