"""A job's files as downloads, called after the upload."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import PurePath

from starlette.responses import FileResponse

from pipeline.service.jobs import files
from pipeline.service.problems import Refusal
from pipeline.service.state import Service
from pipeline.service.store import jobs
from pipeline.service.store.tables import Job

HEADERS = {"x-content-type-options": "nosniff", "cache-control": "private, no-store"}


def result(service: Service, job: Job) -> FileResponse:
    """The scored file. Raises Refusal: 409 for a job that is not done, 404 when its files were removed."""
    _check_done(job)
    path = files.result(service.uploads, job.id)
    if path is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "the files of the job were removed")
    kind = path.name[path.name.index(".") :]
    return FileResponse(path, filename=f"{_stem(job)}.scored{kind}", media_type=_KIND, headers=HEADERS)


def rejects(service: Service, job: Job) -> FileResponse:
    """The rows that could not be read. Raises Refusal: 409 for a job that is not done, 404 when there are none."""
    _check_done(job)
    path = files.rejects(service.uploads, job.id)
    if not path.is_file():
        raise Refusal(HTTPStatus.NOT_FOUND, "there is no file of rejects: no row was rejected, or it was removed")
    return FileResponse(path, filename=f"{_stem(job)}.rejects.jsonl", media_type=_KIND, headers=HEADERS)


_KIND = "application/octet-stream"  # so that no browser shows what an upload holds


def _check_done(job: Job) -> None:
    if job.state != jobs.DONE:
        raise Refusal(HTTPStatus.CONFLICT, f"the job is {job.state}; its files are there when it is done")


def _stem(job: Job) -> str:
    return PurePath(job.filename).name.split(".")[0] or "upload"
