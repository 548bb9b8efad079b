"""Every refusal as a problem document (RFC 9457) that holds nothing of what was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import Request

from pipeline.service.schemas import MessageIn, Problem, ScoreRequest

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 20
FIELDS = {*ScoreRequest.model_fields, *MessageIn.model_fields}
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    "default": {"description": "A problem document", "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}}
}


def add_problems(app: FastAPI) -> None:
    """Makes `app` answer its own refusals as problem documents."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)


def problem(
    status: int, detail: str, errors: Sequence[dict[str, str]] = (), *, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer for one problem; `detail` must not quote the request."""
    document = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors))
    return JSONResponse(document.model_dump(), status, headers, MEDIA_TYPE)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, error.detail, headers=error.headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    more = f"; the first {MOST_ERRORS} are listed" if len(found) > MOST_ERRORS else ""
    detail = f"the request does not have the form that /openapi.json describes: {len(found)} found{more}"
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, [_fault(each) for each in found[:MOST_ERRORS]])


def _fault(error: Mapping[str, Any]) -> dict[str, str]:
    """Where and what. Keys that are not ours may be a customer's words, so the pointer ends above them."""
    where = error["loc"][1:]
    if error["type"] == "json_invalid":
        return {"pointer": "#", "detail": f"not valid JSON at character {where[0]}"}
    pointer = "/".join(["#", *(str(part) for part in where if isinstance(part, int) or part in FIELDS)])
    if error["type"] == "extra_forbidden":
        expected = (MessageIn if "messages" in where[:-1] else ScoreRequest).model_fields
        return {"pointer": pointer, "detail": f"an unknown field, expected only {', '.join(expected)}"}
    return {"pointer": pointer, "detail": error["msg"]}
