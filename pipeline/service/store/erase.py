"""A customer forgotten: every row, every file, every mention; what is left is one line that says that it was done."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from pipeline.judging import CHANGES, CUSTOMER, CUSTOMERS, PAGE, SHEET
from pipeline.judging import replays as find_replays
from pipeline.service.store import audit, jobs
from pipeline.service.store.connect import READS
from pipeline.service.store.engine import SCRUB
from pipeline.service.store.files import KEPT, clean_file
from pipeline.service.store.tables import Answered, Audit, Customer, Feedback, Job, Message, Outgoing
from pipeline.service.store.trace import Trace

ACTION = "customer.forget"
STOPPED = "a customer of this file was erased while it was being scored; start it again"
ARRIVING = timedelta(minutes=10)  # without a new byte an upload has ended
UPLOAD = "upload"  # how the name of the file begins that a job reads


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much there was; `files` were rewritten or removed, `stopped` counts jobs that ran on one of them."""

    messages: int = 0
    feedback: int = 0
    events: int = 0
    answers: int = 0
    files: int = 0
    stopped: int = 0
    known: bool = False

    @property
    def anything(self) -> bool:
        return self.known or any((self.messages, self.feedback, self.events, self.answers, self.files))


def forget(
    session: Session, customer_id: str, uploads: Path, replays: Path, actor: str, *, now: datetime | None = None
) -> Forgotten:
    """Removes every trace of the customer; when the transaction of `Store.begin` ends, the database file is rewritten.

    The id goes from the words and files of others, too, where it cannot be a plain number or word. The audit line names
    the customer by a salted hash: scrypt (n = 2**14, r = 8, p = 1) of the id, under the salt beside it.
    """
    moment = now or datetime.now(UTC)
    session.info[SCRUB] = True
    early, cleaned = _files(session, Trace(customer_id), uploads, moment)
    early += _replays(replays, Trace(customer_id))
    known = session.get(Customer, customer_id, with_for_update=True) is not None
    own = session.scalars(select(Message.id).where(Message.customer_id == customer_id)).all()
    trace = Trace(customer_id, frozenset(own))
    feedback, events, answers = _rows(session, trace)
    files, stopped = _jobs(session, trace, uploads, cleaned, moment)
    session.execute(delete(Customer).where(Customer.id == customer_id))  # its messages and their feedback with it
    _mentions(session, trace)
    found = Forgotten(len(own), feedback, events, answers, early + files, stopped, known)
    _audit(session, trace, found, actor=actor, now=moment)
    session.expire_all()
    return found


def _rows(session: Session, trace: Trace) -> tuple[int, int, int]:
    """Deletes feedback, events and kept answers; returns how many of each."""
    mine = select(Message.id).where(Message.customer_id == trace.customer)
    said = or_(Feedback.customer_id == trace.customer, Feedback.message_id.in_(mine))
    feedback = session.scalars(delete(Feedback).where(said).returning(Feedback.id)).all()
    events = [
        row.id
        for row in session.scalars(
            select(Outgoing).where(or_(Outgoing.customer_id == trace.customer, Outgoing.customer_id.is_(None)))
        )
        if row.customer_id == trace.customer or trace.within(row.body)
    ]
    session.execute(delete(Outgoing).where(Outgoing.id.in_(events)))
    answers = 0
    for row in session.scalars(select(Answered).execution_options(yield_per=200)):
        if trace.within(row.key) or trace.within(row.body):
            session.delete(row)
            answers += 1
    session.flush()
    return len(feedback), len(events), answers


def _files(session: Session, trace: Trace, uploads: Path, now: datetime) -> tuple[int, set[str]]:
    """Cleans the folders of jobs that are over, or that have no row; returns how many files changed, and the folders.

    It looks the jobs up for itself: a long reading of files must not keep others from writing to the store.
    """
    with Session(session.get_bind()) as looking:
        looking.connection(execution_options={READS: True})
        named = {job.id: _named(job) for job in looking.scalars(select(Job).where(Job.state.in_(jobs.ENDED)))}
        active = set(looking.scalars(select(Job.id).where(Job.state.not_in(jobs.ENDED))))
    files, cleaned = 0, set()
    for folder in sorted(uploads.iterdir()) if uploads.is_dir() else ():
        if folder.name in named or not (folder.name in active or _is_arriving(folder, now)):
            files += _clean_folder(folder, trace, named.get(folder.name), is_over=True)
            cleaned.add(folder.name)
    return files, cleaned


def _replays(folder: Path, trace: Trace) -> int:
    """Cleans what replays left; returns how many files changed. A page goes as a whole: its sheet says the same."""
    files = 0
    for replay in find_replays(folder).values():
        changed = [
            name
            for name in (CHANGES, CUSTOMERS, SHEET)
            if (replay / name).is_file() and clean_file(replay / name, trace, column=CUSTOMER) != KEPT
        ]
        if SHEET in changed:
            (replay / PAGE).unlink(missing_ok=True)
        files += len(changed)
    return files


def _jobs(session: Session, trace: Trace, uploads: Path, cleaned: set[str], now: datetime) -> tuple[int, int]:
    """Cleans what jobs write down, and the folders that are left; returns how many files changed, and jobs stopped."""
    files = stopped = 0
    for job in session.scalars(select(Job).with_for_update()):
        _clean_job(job, trace)
        if job.id in cleaned:
            continue
        folder = uploads / job.id
        changed = _clean_folder(folder, trace, _named(job), is_over=job.state in jobs.ENDED)
        files += changed
        if changed and job.state == jobs.RUNNING:
            jobs.cancel(session, job.id, now)
            job.error = STOPPED
            stopped += 1
            _remove_output(folder)
    session.flush()
    return files, stopped


def _clean_folder(folder: Path, trace: Trace, column: str | None, *, is_over: bool) -> int:
    """How many files were rewritten or removed; half-written ones of a job that is over go in any case."""
    changed = 0
    for path in sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else ():
        if path.is_symlink() or not path.is_file():
            continue
        if path.suffix != ".part":
            changed += clean_file(path, trace, column=column) != KEPT
        elif is_over:
            path.unlink()
    return changed


def _is_arriving(folder: Path, now: datetime) -> bool:
    """Whether an upload may still be coming in: what comes while a customer is erased is as what comes after."""
    times = [path.stat().st_mtime for path in (folder, *folder.glob("*")) if path.is_file() or path == folder]
    return now.timestamp() - max(times) < ARRIVING.total_seconds()


def _remove_output(folder: Path) -> None:
    for path in folder.iterdir():
        if not path.name.startswith(UPLOAD):
            path.unlink(missing_ok=True)


def _named(job: Job) -> str | None:
    """The column of customers, where the client named it."""
    return job.options.get("customer")


def _clean_job(job: Job, trace: Trace) -> None:
    if trace.customer in job.customers:
        job.customers = [each for each in job.customers if each != trace.customer]
    for name in ("filename", "error", "summary", "options"):
        value: Any = getattr(job, name)
        if (cleaned := trace.cleaned(value)) != value:
            setattr(job, name, cleaned)


def _mentions(session: Session, trace: Trace) -> None:
    """The id taken out of the words of other customers."""
    if not trace.is_distinct:
        return
    query = select(Message).where(Message.text.icontains(trace.customer, autoescape=True))
    for row in session.scalars(query.execution_options(yield_per=200)):
        row.text = trace.cleaned(row.text)
    session.flush()


def _audit(session: Session, trace: Trace, found: Forgotten, *, actor: str, now: datetime) -> None:
    salt = secrets.token_bytes(16)
    hashed = hashlib.scrypt(trace.customer.encode(), salt=salt, n=1 << 14, r=8, p=1, dklen=16).hex()
    for ids in _batches([trace.customer, *trace.messages]):
        session.execute(update(Audit).where(Audit.target.in_(ids)).values(target=hashed, detail={}))
    for row in session.scalars(select(Audit).execution_options(yield_per=1_000)):
        if trace.within(row.detail):
            row.detail = {}
    counts = {name: getattr(found, name) for name in ("messages", "feedback", "events", "answers", "files", "stopped")}
    audit.note(session, actor=actor, action=ACTION, now=now, target=hashed, salt=salt.hex(), **counts)
    session.flush()


def _batches(ids: list[str], size: int = 500) -> Iterable[list[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
