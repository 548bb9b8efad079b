"""What is old goes: as many days after it was kept as the settings say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.orm import Session

from pipeline.service.jobs import files
from pipeline.service.store.jobs import ENDED, UPLOADED
from pipeline.service.store.tables import Answered, Audit, Customer, Feedback, Job, Login, Message, Outgoing, Received

ANSWERED_FOR, RECEIVED_FOR = timedelta(days=1), timedelta(days=7)  # however long the rest is kept
ORPHAN_FOR = timedelta(days=1)  # of a folder whose job is in no table


@dataclass(frozen=True, slots=True)
class Purged:
    messages: int
    customers: int
    jobs: int


def purge(session: Session, before: datetime | None, *, uploads: Path, now: datetime) -> Purged:
    """Deletes what was kept before then, None for nothing: messages with their feedback, customers of whom nothing else
    is left, ended jobs with their files, events and audit lines; and what serves no more: answers of idempotency keys,
    webhooks taken, logins that are over, folders without a job.
    """
    short = (Answered.created_at < now - ANSWERED_FOR, Received.created_at < now - RECEIVED_FOR, Login.expires_at < now)
    for condition, table in zip(short, (Answered, Received, Login), strict=True):
        session.execute(delete(table).where(condition))
    purged = Purged(0, 0, 0) if before is None else _purge(session, before, uploads)
    _remove_orphans(session, uploads, now)
    return purged


def _purge(session: Session, before: datetime, uploads: Path) -> Purged:
    messages = _delete(session, Message, Message.created_at < before)
    _delete(session, Feedback, Feedback.created_at < before)
    _delete(session, Outgoing, Outgoing.created_at < before)
    _delete(session, Audit, Audit.time < before)
    empty = ~exists().where(Message.customer_id == Customer.id) & ~exists().where(Feedback.customer_id == Customer.id)
    customers = _delete(session, Customer, (Customer.created_at < before) & empty)
    old = Job.state.in_((*ENDED, UPLOADED)) & (func.coalesce(Job.finished_at, Job.created_at) < before)
    ended = session.scalars(delete(Job).where(old).returning(Job.id)).all()
    for job in ended:
        files.remove(uploads, job)
    return Purged(messages, customers, len(ended))


def _delete(session: Session, table: type, condition: ColumnElement[bool]) -> int:
    count = session.scalar(select(func.count()).select_from(table).where(condition)) or 0
    session.execute(delete(table).where(condition).execution_options(synchronize_session=False))
    return count


def _remove_orphans(session: Session, uploads: Path, now: datetime) -> None:
    for job in files.present(uploads):
        folder = files.folder(uploads, job)
        age = now - datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        if age > ORPHAN_FOR and session.get(Job, job) is None:
            files.remove(uploads, job)
