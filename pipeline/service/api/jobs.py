"""POST /v1/uploads, and /v1/jobs: an export uploaded, scored in the background, and downloaded."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import FileResponse, Response

from pipeline.service.access import needs
from pipeline.service.api.job_shapes import JOB_BODY, UPLOAD_BODY, JobDetail, JobPage, UploadOut, document, parse
from pipeline.service.api.paged import Cursor, Limit, listed, nothing, store_of
from pipeline.service.api.submission import Submission
from pipeline.service.auth.access import Actor
from pipeline.service.background import lifespan, wake
from pipeline.service.idempotency import IdempotencyKey
from pipeline.service.jobs import download, intake
from pipeline.service.state import service_of
from pipeline.service.store import jobs
from pipeline.service.store.tables import Job

router = APIRouter(prefix="/v1", tags=["jobs"], lifespan=lifespan)
State = Literal["uploaded", "queued", "running", "done", "failed", "cancelled"]


@router.post("/uploads", response_model=UploadOut, status_code=201, openapi_extra=UPLOAD_BODY)
async def upload(
    request: Request, actor: Annotated[Actor, Depends(needs("write"))], idempotency_key: IdempotencyKey = None
) -> Response:
    """Upload an export without scoring it yet: the answer says what it is and which columns it has, and no row of it.

    Start it by POST /v1/jobs with its id, or let it be: an upload that is not used is removed after a day.
    """
    return await Submission(request, actor, idempotency_key).upload(starts=False)


@router.post("/jobs", response_model=JobDetail, status_code=202, openapi_extra=JOB_BODY)
async def create_job(
    request: Request, actor: Annotated[Actor, Depends(needs("write"))], idempotency_key: IdempotencyKey = None
) -> Response:
    """Score an export in the background: the file itself as multipart/form-data, or JSON that names an upload.

    Columns are found by name and content unless they are named. Rows with a customer are kept in the store, too. A job
    that failed, or was stopped by an erasure, can be started again by its id.
    """
    submission = Submission(request, actor, idempotency_key)
    if request.headers.get("content-type", "").split(";")[0].strip().lower() == "multipart/form-data":
        answer = await submission.upload(starts=True)
    else:
        answer = await to_thread.run_sync(submission.start, parse(await request.body()))
    wake(request.app)
    return answer


@router.get("/jobs", response_model=JobPage, dependencies=[Depends(needs("read"))])
def list_jobs(
    request: Request,
    state: Annotated[State | None, Query(description="in one state only")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Any:
    """Jobs and uploads, the newest first."""
    with store_of(service_of(request)).read() as session:
        return listed(lambda after: jobs.page(session, state=state, cursor=after, limit=limit), cursor, document)


@router.get("/jobs/{id}", response_model=JobDetail, dependencies=[Depends(needs("read"))])
def get_job(request: Request, id: str) -> Any:
    """How far a job is, what came of it, and why it failed."""
    return document(_job(request, id))


@router.get("/jobs/{id}/result", response_class=FileResponse, dependencies=[Depends(needs("read"))])
def get_result(request: Request, id: str) -> Response:
    """The scored file: the upload's rows and columns in their order, and the nabd_* columns."""
    return download.result(service_of(request), _job(request, id))


@router.get("/jobs/{id}/rejects", response_class=FileResponse, dependencies=[Depends(needs("read"))])
def get_rejects(request: Request, id: str) -> Response:
    """The rows that could not be read, as JSONL with the reason of each; 404 when there are none."""
    return download.rejects(service_of(request), _job(request, id))


@router.delete("/jobs/{id}", status_code=204)
def delete_job(request: Request, id: str, actor: Annotated[Actor, Depends(needs("write"))]) -> Response:
    """Cancel a job that has not ended, and remove its files either way.

    What a cancelled job had kept in the store goes with it; what a finished one kept stays.
    """
    intake.cancel(service_of(request), _job(request, id).id, actor)
    return Response(status_code=204)


def _job(request: Request, id: str) -> Job:
    """Raises Refusal (404)."""
    with store_of(service_of(request)).read() as session:
        found = jobs.get(session, id) if len(id) <= 64 and "\0" not in id else None
    if found is None:
        raise nothing("job")
    return found
