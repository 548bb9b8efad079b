"""*Jobs*: an export dragged in, its columns mapped, its progress watched, its result downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from anyio import to_thread
from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pipeline.report.blocks import Cell, Table, num
from pipeline.service import cursors
from pipeline.service.auth.access import WRITE
from pipeline.service.background import wake
from pipeline.service.console.entry import Posted, Reader, Writer, check
from pipeline.service.console.pages import Page, render, see
from pipeline.service.console.visitors import Denied, Visitor
from pipeline.service.jobs import download, files, intake
from pipeline.service.jobs.describe import NAMED
from pipeline.service.jobs.intake import UPLOAD, Taken
from pipeline.service.store import jobs as kept
from pipeline.service.store.tables import Job

SHOWN, LONGEST_ID = 20, 64
RUNNING = (kept.QUEUED, kept.RUNNING)
MIB = 1 << 20
router = APIRouter(route_class=Page)


@router.get("/console/jobs")
def jobs(visitor: Reader, after: str = "") -> HTMLResponse:
    """A form for a new one, and those so far, the newest first."""
    with visitor.store.read() as session:
        page = kept.page(session, cursor=cursors.decode(after) if after else None, limit=SHOWN)
    return render(
        visitor, "jobs.html", place="jobs", table=_table(visitor, page.items),
        more=cursors.encode(page.next) if page.next else "", most=visitor.service.service.max_upload // MIB,
    )  # fmt: skip


@router.post("/console/jobs")
async def upload(request: Request, visitor: Writer, token: str = "") -> Response:
    """Takes the file in; its token is in the address, so that nothing is read of a body that was not asked for."""
    check(visitor, token)
    taken = await intake.take(request, visitor.service)
    await to_thread.run_sync(_add, visitor, taken)
    return see(f"/console/jobs/{taken.job}")


@router.get("/console/jobs/{id}")
def job(visitor: Reader, id: str) -> HTMLResponse:
    """One job: the columns to map, how far it is, or what came of it."""
    found = _found(visitor, id)
    told = found.summary.get(UPLOAD, {})
    columns: Sequence[str] = told.get("columns", ())
    roles = [(role, told.get("roles", {}).get(role, "")) for role in NAMED]
    is_here = files.upload(visitor.service.uploads, found.id) is not None
    return render(
        visitor, "job.html", place="jobs", columns=columns, roles=roles,
        can_start=found.state in intake.STARTS and is_here and visitor.known.may(WRITE), **_progress(visitor, found),
    )  # fmt: skip


@router.get("/console/jobs/{id}/progress")
def progress(visitor: Reader, id: str) -> HTMLResponse:
    """The part of a job's page that changes while it runs."""
    return render(visitor, "progress.html", **_progress(visitor, _found(visitor, id)))


@router.post("/console/jobs/{id}")
async def act(request: Request, visitor: Writer, form: Posted, id: str) -> Response:
    """Starts the job with the columns that were chosen, or cancels it."""
    work = {"start": _start, "cancel": _cancel}.get(str(form.get("action", "")))
    if work is None:
        raise Denied(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_form")
    await to_thread.run_sync(work, visitor, _found(visitor, id), form)
    wake(request.app)
    return see(f"/console/jobs/{id}")


@router.get("/console/jobs/{id}/result")
def result(visitor: Reader, id: str) -> Response:
    """The scored file."""
    return download.result(visitor.service, _found(visitor, id))


@router.get("/console/jobs/{id}/rejects")
def rejects(visitor: Reader, id: str) -> Response:
    """The rows that could not be read."""
    return download.rejects(visitor.service, _found(visitor, id))


def _add(visitor: Visitor, taken: Taken) -> None:
    """Without its row in the store the file goes."""
    try:
        with visitor.store.begin() as session:
            intake.add(session, taken, visitor.known, visitor.service)
    except BaseException:
        files.remove(visitor.service.uploads, taken.job)
        raise


def _start(visitor: Visitor, found: Job, form: FormData) -> None:
    columns = {role: name for role in NAMED if (name := str(form.get(role, "")))}
    with visitor.store.begin() as session:
        intake.start(session, found.id, columns, visitor.known, visitor.service)


def _cancel(visitor: Visitor, found: Job, form: FormData) -> None:
    intake.cancel(visitor.service, found.id, visitor.known)


def _found(visitor: Visitor, id: str) -> Job:
    """Raises Denied for a job that there is not."""
    with visitor.store.read() as session:
        found = kept.get(session, id) if len(id) <= LONGEST_ID and "\0" not in id else None
    if found is None:
        raise Denied(HTTPStatus.NOT_FOUND, "no_job")
    return found


def _progress(visitor: Visitor, found: Job) -> dict[str, Any]:
    uploads, is_done = visitor.service.uploads, found.state == kept.DONE
    return {
        "job": found, "running": RUNNING, "facts": _facts(visitor, found),
        "has_result": is_done and files.result(uploads, found.id) is not None,
        "has_rejects": is_done and found.rejected > 0 and files.rejects(uploads, found.id).exists(),
    }  # fmt: skip


def _facts(visitor: Visitor, found: Job) -> list[tuple[str, str]]:
    words, locale = visitor.words, visitor.locale
    told = found.summary
    pairs = [
        (words("rows"), "" if found.rows is None else locale.number(found.rows)),
        (words("rejected"), locale.number(found.rejected) if found.state == kept.DONE else ""),
        (words("to_a_person"), locale.number(told["review"]) if "review" in told else ""),
        (words("kept"), locale.number(told["kept"]) if "kept" in told else ""),
        (words("uploaded_at"), locale.time(found.created_at)),
        (words("finished_at"), locale.time(found.finished_at) if found.finished_at else ""),
        (words("by_whom"), found.actor.removeprefix("user:")),
        (words("model"), found.model),
    ]
    return [(name, value) for name, value in pairs if value]


def _table(visitor: Visitor, found: Sequence[Job]) -> Table:
    words, locale = visitor.words, visitor.locale
    rows = [
        [
            Cell(each.filename, "id", link=f"/console/jobs/{each.id}"), Cell(words(f"state_{each.state}")),
            num("–" if each.rows is None else locale.number(each.rows)), num(locale.number(each.rejected)),
            Cell(locale.time(each.created_at)),
        ]
        for each in found
    ]  # fmt: skip
    keys = ("file", "state", "rows", "rejected", "uploaded_at")
    return Table(words("jobs_list"), [words(key) for key in keys], rows)
