"""A scored message kept: its row, its customer's risk judged anew, and the events that follow, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Protocol
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.calibrate import uncertainty
from pipeline.clean import clean
from pipeline.privacy import mask
from pipeline.records import Scored
from pipeline.risk.weights import Weights
from pipeline.service.documents import document
from pipeline.service.problems import Refusal
from pipeline.service.store import customers, messages
from pipeline.service.store.engine import Store
from pipeline.service.store.insert import given, insert
from pipeline.service.store.tables import Message
from pipeline.service.webhooks import events
from pipeline.writers.plain import without_surrogates

LONGEST_ID, LONGEST_CHANNEL = 200, 100  # of the tables


class Incoming(Protocol):
    """What is known of a message beside its text; `outcome` has the fields of `records.Outcome`."""

    @property
    def text(self) -> str: ...
    @property
    def id(self) -> str | None: ...
    @property
    def customer(self) -> str | None: ...
    @property
    def time(self) -> datetime | None: ...
    @property
    def ticket(self) -> str | None: ...
    @property
    def channel(self) -> str | None: ...
    @property
    def outcome(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """An `Incoming` that comes from a file or a helpdesk."""

    text: str
    id: str | None = None
    customer: str | None = None
    time: datetime | None = None
    ticket: str | None = None
    channel: str | None = None
    outcome: Mapping[str, Any] | None = None

    def called(self, id: str) -> Arrival:
        """The same message under another id."""
        return replace(self, id=id)


@dataclass(frozen=True, slots=True)
class Policy:
    """How messages are kept: `store_text` is masked, raw or none; `urls` are of those who listen to events."""

    store_text: str
    weights: Weights
    max_characters: int
    urls: tuple[str, ...]


def policy(service: Any) -> Policy:
    """The policy that the settings of a running service ask for."""
    return Policy(
        service.service.store_text,
        service.model.settings.risk,
        service.model.settings.max_characters,
        tuple(service.service.webhook_urls),
    )


def bands(store: Store | None, named: Iterable[str | None]) -> dict[str, str]:
    """Customer -> risk band, of those named whom the store knows; what a message is routed by."""
    kept = {each: storable(each) for each in named if each}
    if store is None or not kept:
        return {}
    with store.read() as session:
        known = customers.bands(session, sorted({*kept.values()}))
    return {each: known[key] for each, key in kept.items() if key in known}


def keep(
    session: Session, message: Incoming, scored: Scored, source: str, settings: Policy, now: datetime
) -> str | None:
    """One message, as `keep_all`; returns the id it is kept under."""
    return keep_all(session, [(message, scored)], source, settings, now)[0]


def keep_all(
    session: Session, pairs: Sequence[tuple[Incoming, Scored]], source: str, settings: Policy, now: datetime
) -> list[str | None]:
    """Keeps every message that names a customer or an id, then judges each customer once.

    Returns the ids, None for a message that is not kept: nobody could ask for it again. The same id again replaces
    the score. Raises Refusal (409) when an id is already that of another customer's message.
    """
    if taken(session, [message for message, _ in pairs]):
        raise Refusal(
            HTTPStatus.CONFLICT, "a message of this id belongs to another customer; ids must be unique among all"
        )
    kept = add(session, pairs, source, settings, now)
    judge(session, (message.customer for message, _ in pairs if message.customer), settings, now)
    return kept


def add(
    session: Session, pairs: Sequence[tuple[Incoming, Scored]], source: str, settings: Policy, now: datetime
) -> list[str | None]:
    """The rows and the escalations of `keep_all`, without the judging."""
    customers.ensure_all(session, {storable(message.customer) for message, _ in pairs if message.customer}, now=now)
    rows = [
        _row(message, scored, source, settings, now) if message.customer or message.id else None
        for message, scored in pairs
    ]
    kept = [row for row in rows if row is not None]
    urgent = [row for row in kept if settings.urls and events.escalates(row, now)]
    known = _owners(session, [row.id for row in urgent])
    _write(session, kept)
    for row in urgent:
        if row.id not in known:
            session.add_all(events.escalated(row, settings.urls, now))
    return [None if row is None else row.id for row in rows]


def judge(session: Session, ids: Iterable[str], settings: Policy, now: datetime) -> None:
    """Judges the customers anew and tells of those whose band rose to high or critical."""
    session.flush()
    for customer in sorted(set(ids)):
        bands = customers.judge(session, storable(customer), now, settings.weights)
        if settings.urls and bands and events.rises(*bands):
            found = customers.get(session, storable(customer))
            if found is not None:
                session.add_all(events.at_risk(found, bands[0], settings.urls, now))


def taken(session: Session, incoming: Sequence[Incoming]) -> set[str]:
    """The ids among `incoming` that are already those of another customer's message, in the store or in the list."""
    wanted: dict[str, str | None] = {}
    clashing = set()
    for each in incoming:
        if each.id:
            own = storable(each.customer) if each.customer else None
            if wanted.setdefault(each.id, own) != own:
                clashing.add(each.id)
    stored = {storable(id): id for id in wanted}
    owners = _owners(session, stored)
    return clashing | {stored[id] for id, customer in owners.items() if customer != wanted[stored[id]]}


def storable(text: str) -> str:
    """`text` without what a database cannot hold: NUL and half characters become U+FFFD."""
    return without_surrogates(text).replace("\0", "\ufffd")


def _owners(session: Session, ids: Iterable[str]) -> dict[str, str | None]:
    """The customer of each message that is in the store."""
    found = session.execute(select(Message.id, Message.customer_id).where(Message.id.in_(list(ids))))
    return {id: customer for id, customer in found}


def _write(session: Session, rows: Sequence[Message]) -> None:
    """What `messages.add` does, for many in one statement."""
    if not rows:
        return
    statement = insert(session, Message.__table__)
    columns = [column.name for column in Message.__table__.columns if column.name not in messages.KEPT]
    replaced = {name: statement.excluded[name] for name in columns}
    session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=replaced), [given(row) for row in rows])


def _row(message: Incoming, scored: Scored, source: str, settings: Policy, now: datetime) -> Message:
    return Message(
        id=storable(message.id)[:LONGEST_ID] if message.id else str(uuid4()),
        customer_id=storable(message.customer) if message.customer else None,
        ticket=storable(message.ticket or "")[:LONGEST_ID],
        time=_moment(message.time, now),
        channel=storable(message.channel or "")[:LONGEST_CHANNEL],
        text=_text(message.text, settings),
        language=scored.language,
        category=scored.category.label,
        topic=scored.topic.label,
        sentiment=scored.sentiment.label if scored.sentiment else None,
        queue=scored.decision.queue,
        uncertainty=float(uncertainty([*scored.topic.probabilities.values()])),
        review=list(scored.review),
        reviewed=False,
        model=scored.model,
        scored=document(scored),
        outcome=_outcome(message.outcome),
        source=source,
        created_at=now,
    )


def _moment(time: datetime | None, now: datetime) -> datetime:
    """In UTC; `now` where there is none, or one so far off that it has no UTC."""
    if time is None:
        return now
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        return now


def _text(text: str, settings: Policy) -> str | None:
    """As the policy says: masked as the model reads it, raw, or not at all."""
    if settings.store_text == "none":
        return None
    if settings.store_text == "raw":
        return storable(text)
    return storable(mask(clean(text[: settings.max_characters])).text)


def _outcome(outcome: Any) -> dict[str, Any]:
    """What was recorded, times as ISO 8601."""
    if outcome is None:
        return {}
    given = outcome if isinstance(outcome, Mapping) else outcome.model_dump()
    return {
        name: value.isoformat() if isinstance(value, datetime) else storable(value) if isinstance(value, str) else value
        for name, value in given.items()
        if value is not None
    }
