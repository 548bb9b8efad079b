"""The documents of uploads and jobs, and the bodies that make them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.service.jobs.describe import NAMED
from pipeline.service.jobs.intake import UPLOAD
from pipeline.service.jobs.receive import LONGEST_FIELD
from pipeline.service.problems import Refusal
from pipeline.service.schemas import Answer
from pipeline.service.store.tables import Job


class UploadOut(Answer):
    id: str = Field(description="for POST /v1/jobs")
    filename: str = Field(description="as the client called it; escape it where it is shown")
    size: int
    format: str
    description: str
    columns: list[str]
    roles: dict[str, str] = Field(description="role, such as text or customer -> the column that was found for it")
    how: dict[str, str] = Field(description="role -> by name or by content")
    problem: str = Field(description="why no job can start before a column is named; empty: one can")


class JobOut(Answer):
    id: str
    state: str
    filename: str
    columns: dict[str, str] = Field(description="role -> column: as named, and once the job runs as found")
    rows: int | None = Field(description="of the file; null until it was gone through once")
    done: int
    rejected: int
    progress: float = Field(description="in [0, 1]")
    error: str
    model: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobDetail(JobOut):
    summary: dict[str, Any] = Field(description="what came of it: counts by category, sentiment, language and queue")


class JobPage(Answer):
    items: list[JobOut]
    next: str | None


def document(job: Job) -> dict[str, Any]:
    """The document of `JobDetail`."""
    progress = 1.0 if job.state == "done" else job.done / job.rows if job.rows else 0.0
    hidden = (UPLOAD, "tries")
    return {
        "id": job.id, "state": job.state, "filename": job.filename, "columns": dict(job.options), "rows": job.rows,
        "done": job.done, "rejected": job.rejected, "progress": round(min(1.0, progress), 4), "error": job.error,
        "model": job.model, "created_at": job.created_at, "started_at": job.started_at,
        "finished_at": job.finished_at,
        "summary": {name: value for name, value in job.summary.items() if name not in hidden},
    }  # fmt: skip


def upload_document(job: Job) -> dict[str, Any]:
    """The document of `UploadOut`: what was told of the file when it came in."""
    told = job.summary[UPLOAD]
    names = ("size", "format", "description", "columns", "roles", "how", "problem")
    return {"id": job.id, "filename": job.filename, **{name: told[name] for name in names}}


def plain(found: Mapping[str, Any]) -> dict[str, Any]:
    """With times as ISO 8601."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in found.items()}


Column = Annotated[str | None, Field(min_length=1, max_length=LONGEST_FIELD)]


class Columns(BaseModel):
    """Those of `NAMED`."""

    model_config = ConfigDict(extra="forbid")

    text: Column = None
    customer: Column = None
    time: Column = None
    id: Column = None
    ticket: Column = None


class Start(BaseModel):
    """Which upload to score; `columns` where they are not to be found by themselves."""

    model_config = ConfigDict(extra="forbid")

    upload: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$")
    columns: Columns = Field(default_factory=Columns)


def parse(body: bytes) -> Start:
    """Raises Refusal (422) for what is no request to start a job."""
    try:
        return Start.model_validate_json(body)
    except ValidationError:
        detail = 'expected a file as multipart/form-data, or JSON such as {"upload": "...", "columns": {"text": "..."}}'
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, detail) from None


_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "CSV, XLSX, JSONL, JSON, Parquet, mbox or EML"}
    },
}
_COLUMNS = {name: {"type": "string", "maxLength": 1000, "description": f"the column of {name}"} for name in NAMED}
_FORM_WITH_COLUMNS = {**_FORM, "properties": {**_FORM["properties"], **_COLUMNS}}  # type: ignore[dict-item]
_START = {
    "type": "object",
    "required": ["upload"],
    "additionalProperties": False,
    "properties": {
        "upload": {"type": "string", "maxLength": 64, "description": "the id that POST /v1/uploads gave"},
        "columns": {"type": "object", "additionalProperties": False, "properties": _COLUMNS},
    },
}
_EXAMPLES = {
    "en": {"summary": "an upload, columns as found", "value": {"upload": "0f8b2c6d9e3a4b71a5c4d2e1f0a9b8c7"}},
    "ar": {
        "summary": "مع تسمية الأعمدة",
        "value": {"upload": "0f8b2c6d9e3a4b71a5c4d2e1f0a9b8c7", "columns": {"text": "نص الرسالة"}},
    },
    "fa": {
        "summary": "با نام ستون‌ها",
        "value": {"upload": "0f8b2c6d9e3a4b71a5c4d2e1f0a9b8c7", "columns": {"text": "متن پیام", "customer": "مشتری"}},
    },
}
UPLOAD_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}}
JOB_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FORM_WITH_COLUMNS},
            "application/json": {"schema": _START, "examples": _EXAMPLES},
        },
    }
}
