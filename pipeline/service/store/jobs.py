"""The jobs of the store: who works on which, in steps that a stopped process cannot leave half done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from pipeline.service.store.paging import Cursor, Order, Page
from pipeline.service.store.paging import page as paged
from pipeline.service.store.tables import Job

UPLOADED, QUEUED, RUNNING, DONE, FAILED, CANCELLED = "uploaded", "queued", "running", "done", "failed", "cancelled"
ENDED = (DONE, FAILED, CANCELLED)
NEWEST = Order(Job.created_at, Job.id, id_descends=True)


def page(session: Session, *, state: str | None = None, cursor: Cursor | None = None, limit: int = 50) -> Page[Job]:
    """The newest first."""
    query = select(Job) if state is None else select(Job).where(Job.state == state)
    return paged(session, query, NEWEST, cursor=cursor, limit=limit)


def get(session: Session, id: str) -> Job | None:
    return session.get(Job, id)


def claim(session: Session, now: datetime, *, silent_since: datetime) -> Job | None:
    """The oldest queued job, or a running one whose worker has given no sign of life since then; now running.

    Two workers never get the same one.
    """
    abandoned = and_(Job.state == RUNNING, Job.beat_at < silent_since)
    query = select(Job).where(or_(Job.state == QUEUED, abandoned)).order_by(Job.created_at, Job.id).limit(1)
    job = session.scalars(query.with_for_update(skip_locked=True)).first()
    if job is not None:
        job.state, job.beat_at = RUNNING, now
        job.started_at = job.started_at or now
        session.flush()
    return job


def advance(session: Session, id: str, now: datetime, **changes: Any) -> bool:
    """Writes `changes` (done, rejected, rows, customers ...) and a sign of life; False if the job runs no longer.

    A worker calls it first in each transaction: after a False it writes nothing and removes what it has written.
    """
    return _move(session, id, (RUNNING,), beat_at=now, **changes)


def end(session: Session, id: str, state: str, now: datetime, **changes: Any) -> bool:
    """From running to done or failed; False if it was cancelled meanwhile."""
    return _move(session, id, (RUNNING,), state=state, finished_at=now, **changes)


def cancel(session: Session, id: str, now: datetime) -> bool:
    """False if there is no such job, or it has ended."""
    return _move(session, id, (UPLOADED, QUEUED, RUNNING), state=CANCELLED, finished_at=now)


def _move(session: Session, id: str, states: tuple[str, ...], **changes: Any) -> bool:
    query = update(Job).where(Job.id == id, Job.state.in_(states)).values(**changes).returning(Job.id)
    return session.scalars(query).first() is not None
