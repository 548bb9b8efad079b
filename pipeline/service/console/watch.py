"""Emerging issues for the console, worked out in the background, at most once an hour while nothing much changes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock, Thread
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.sql.elements import ColumnElement

from pipeline.emerging.find import WINDOW_DAYS, Emerging, emerging
from pipeline.encoder import Vectors
from pipeline.records import Contact
from pipeline.score import prepare
from pipeline.service.batching import Refused
from pipeline.service.store.erase import ACTION
from pipeline.service.store.tables import Audit, Message

if TYPE_CHECKING:
    from pipeline.service.state import Service
    from pipeline.service.store.engine import Store

WINDOWS, HOUR = 5, 3600
LIMIT = 1000  # messages of a window whose vectors are looked at; an encoder reads some hundred a second
ROWS = 20_000
PATIENCE = 10.0  # seconds at shutdown
log = logging.getLogger(__name__)

Key = tuple[str, int, int, int]  # model, hour, how often its messages have doubled, and how many customers were erased


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found among `contacts`; `found` is None where no text is kept or none was written, or it `failed`."""

    contacts: Sequence[Contact]
    found: Emerging | None
    failed: bool = False


class Watch:
    """The latest answer; looked for again in the next hour that it is asked for, when messages have doubled, or when a
    customer was erased, wherever that was done."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked: Key | None = None
        self._seen: Seen | None = None
        self._thread: Thread | None = None

    def look(self, service: Service, now: datetime) -> Seen | None:
        """What is known; None while it is being worked out."""
        count, erased = _counts(service, now)
        key = (service.model.version, int(now.timestamp()) // HOUR, count.bit_length(), erased)
        with self._lock:
            if key != self._asked:
                self._asked, self._seen = key, None
                self._thread = Thread(target=self._find, args=(service, now, key), name="emerging", daemon=True)
                self._thread.start()
            return self._seen

    def stop(self) -> None:
        """Waits for what is being worked out, but not for ever."""
        if self._thread:
            self._thread.join(PATIENCE)

    def _find(self, service: Service, now: datetime, key: Key) -> None:
        try:
            seen = issues(service, now)
        except Refused:  # the service is stopping
            return
        except Exception as error:  # its message may quote a customer
            log.error("emerging issues: %s", type(error).__name__)
            seen = Seen((), None, failed=True)
        with self._lock:
            if key == self._asked:
                self._seen = seen


def issues(service: Service, now: datetime) -> Seen:
    """The emerging issues of the last week in the store; every request goes before what is encoded for them."""
    contacts = _contacts(service.store, now) if service.store else []
    if not contacts:
        return Seen((), None)
    encoder, batches = service.model.bundle.first_encoder, service.batcher.batches

    def vectors_of(some: Sequence[Contact]) -> Vectors:
        texts = [prepare(each.text).text for each in some]
        return np.stack(batches.ask_here(lambda some: list(encoder.encode(some)), texts, as_job=True))

    return Seen(contacts, emerging(contacts, vectors_of, now=now, limit=LIMIT))


def _counts(service: Service, now: datetime) -> tuple[int, int]:
    """Messages to look at, and customers who were erased."""
    if service.store is None:
        return 0, 0
    erased = select(func.count()).select_from(Audit).where(Audit.action == ACTION)
    with service.store.read() as session:
        count = session.scalar(select(func.count()).select_from(Message).where(*_recent(now))) or 0
        return count, session.scalar(erased) or 0


def _recent(now: datetime) -> tuple[ColumnElement[bool], ...]:
    since = now - timedelta(days=WINDOWS * WINDOW_DAYS)
    return Message.time >= since, Message.time <= now, Message.text.is_not(None)


def _contacts(store: Store, now: datetime) -> list[Contact]:
    """The latest messages whose text is kept, in time order."""
    wanted = (Message.id, Message.time, Message.customer_id, Message.ticket, Message.text, Message.language,
              Message.category, Message.topic)  # fmt: skip
    found = select(*wanted).where(*_recent(now)).order_by(Message.time.desc(), Message.id).limit(ROWS)
    with store.read() as session:
        rows = session.execute(found).all()
    return [
        Contact(number, row.id, row.time, row.customer_id or "", row.ticket or row.id, row.text or "",
                language=row.language, category=row.category, topic=row.topic)
        for number, row in enumerate(reversed(rows), 1)
    ]  # fmt: skip
