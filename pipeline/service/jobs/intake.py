"""How a job comes into being and ends before its time: taken in, added, started; cancelled. The API and the console
come through here alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from anyio import to_thread
from sqlalchemy.orm import Session
from starlette.requests import Request

from pipeline.columns.roles import find_given
from pipeline.errors import ColumnError, EncodingError, InputError
from pipeline.service.auth.access import Actor
from pipeline.service.jobs import files, unpacking
from pipeline.service.jobs.describe import Description, describe
from pipeline.service.jobs.receive import Received, receive
from pipeline.service.jobs.undo import undo
from pipeline.service.problems import Refusal
from pipeline.service.state import Service
from pipeline.service.store import audit, jobs
from pipeline.service.store.tables import Job

STARTS = (jobs.UPLOADED, jobs.FAILED, jobs.CANCELLED)  # from which a job can be started while its upload is there
UPLOAD = "upload"  # in a job's summary: what its file was described as


@dataclass(frozen=True, slots=True)
class Taken:
    """An upload that is on disk, judged and described, and not in the store yet; `job` is its id."""

    job: str
    received: Received
    found: Description


async def take(request: Request, service: Service) -> Taken:
    """The file of a multipart body. Raises Refusal for what is too large, no form, a bomb or no export; nothing of it
    is left behind then."""
    job = files.new_id()
    own = await to_thread.run_sync(files.create, service.uploads, job)
    try:
        limit = service.service.max_upload
        received = await receive(request, own, limit=limit)
        return Taken(job, received, await to_thread.run_sync(_judged, received.path, limit))
    except BaseException:
        files.remove(service.uploads, job)
        raise


def add(session: Session, taken: Taken, actor: Actor, service: Service) -> Job:
    """The upload in the store. If the transaction fails, remove its files."""
    told = asdict(taken.found) | {"columns": list(taken.found.columns), "size": taken.received.size}
    row = Job(
        id=taken.job, state=jobs.UPLOADED, filename=taken.received.filename, options={}, rows=None, done=0, rejected=0,
        customers=[], summary={UPLOAD: told}, error="", model="", actor=actor.id, created_at=service.clock(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def start(session: Session, upload: str, named: Mapping[str, str], actor: Actor, service: Service) -> Job:
    """Queues the upload; `named` are the columns of roles. Wake the worker when the transaction is through.

    Raises Refusal: 404 for none, 409 when its job is under way or done, 422 for columns that are not there.
    """
    job = session.get(Job, upload, with_for_update=True)
    path = files.upload(service.uploads, job.id) if job is not None else None
    if job is None or path is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "there is no such upload; send the file again")
    if job.state not in STARTS:
        raise Refusal(HTTPStatus.CONFLICT, f"the job of this upload is {job.state} already")
    _check_columns(job.summary[UPLOAD], named)
    job.state, job.options, job.error = jobs.QUEUED, dict(named), ""
    job.summary = {UPLOAD: job.summary[UPLOAD]}
    job.rows, job.done, job.rejected, job.started_at, job.finished_at = None, 0, 0, None, None
    audit.note(session, actor=actor.id, action="job.start", now=service.clock(), target=job.id)
    session.flush()
    return job


def cancel(service: Service, job: str, actor: Actor) -> bool:
    """Cancels the job if it has not ended, takes back what it kept so far, and removes its files; whether it ran or
    was to run."""
    assert service.store is not None  # nosec B101 # for the types: no route of jobs without a store
    now = service.clock()
    with service.store.begin() as session:
        was_open = jobs.cancel(session, job, now)
        action = "job.cancel" if was_open else "job.remove"
        audit.note(session, actor=actor.id, action=action, now=now, target=job)
        row = session.get(Job, job)
    files.remove(service.uploads, job)
    if row is not None and row.state in (jobs.CANCELLED, jobs.FAILED):  # again where that came to no end before
        undo(service, row)
    return was_open


def _judged(path: Path, limit: int) -> Description:
    """Raises Refusal: 413 for a bomb, 422 for what is no export."""
    unpacking.check(path, limit=limit)
    try:
        return describe(path)
    except InputError as error:
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, said(error, path)) from None


def _check_columns(told: Mapping[str, Any], named: Mapping[str, str]) -> None:
    """By what was told of the file when it came in, for to open it takes time that a transaction has not."""
    for role, name in named.items():
        try:
            find_given(told["columns"], role, name)
        except ColumnError:
            detail = f"the file has no column of the name that is given for {role}; POST /v1/uploads says which it has"
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, detail) from None
    if "text" not in named and "text" not in told["roles"]:
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, told["problem"])


def said(error: Exception, path: Path) -> str:
    """The error in words that give no path of this machine away and name no option of the command line."""
    told = f"{error.fault}; save it as UTF-8 and send it again" if isinstance(error, EncodingError) else str(error)
    return told.replace(str(path), "the file").replace(path.name, "the file")
