"""Every refusal as a problem document (RFC 9457) that holds nothing of what was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, get_args

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from pipeline.errors import StoreError
from pipeline.service.batching import Refused

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 20
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class Problem(BaseModel):
    """RFC 9457; `errors` says where (a JSON pointer into the body, or a parameter) and what, never what was sent."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = Field(default_factory=list)


class Refusal(HTTPException):
    """What an endpoint raises to answer with a problem; `detail` says what to do and must not quote the request."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)


_REFUSAL = {"content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}}
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "Refused; the problem document says what to change", **_REFUSAL},
    "5XX": {"description": "Not to be had just now; the problem document says what to do", **_REFUSAL},
}


def add_problems(app: FastAPI) -> None:
    """Makes `app` answer its own refusals as problem documents."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Refused, _overloaded)
    app.add_exception_handler(StoreError, _storeless)


def problem(
    status: int, detail: str, errors: Sequence[dict[str, str]] = (), *, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer for one problem; `detail` must not quote the request."""
    document = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors))
    return JSONResponse(document.model_dump(), status, headers, MEDIA_TYPE)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # nosec B101 # for the types: registered for it alone
    headers = dict(error.headers or {})
    if "Allow" in headers:  # which names the methods of the first route of this path alone
        headers["Allow"] = ", ".join(_methods(request))
    return problem(error.status_code, error.detail, headers=headers)


def _methods(request: Request) -> list[str]:
    """That a path takes, each on whichever route."""
    scopes = {method: {**request.scope, "method": method} for method in METHODS}
    return [name for name, scope in scopes.items() if any(_is_full(route, scope) for route in request.app.routes)]


def _is_full(route: BaseRoute, scope: Scope) -> bool:
    return route.matches(scope)[0] is Match.FULL


async def _overloaded(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)  # nosec B101 # for the types: registered for it alone
    return problem(error.status, error.detail, headers={"Retry-After": str(error.seconds)})


async def _storeless(request: Request, error: Exception) -> JSONResponse:
    detail = "the store is not to be had just now; ask again"
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "2"})


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # nosec B101 # for the types: registered for it alone
    found = error.errors()
    more = f"; the first {MOST_ERRORS} are listed" if len(found) > MOST_ERRORS else ""
    detail = f"the request does not have the form that /openapi.json describes: {len(found)} found{more}"
    body = getattr(request.scope.get("route"), "body_field", None)
    asked = body.field_info.annotation if body else None
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, [_fault(each, asked) for each in found[:MOST_ERRORS]])


def _fault(error: Mapping[str, Any], asked: Any) -> dict[str, str]:
    """Where and what; `asked` is the type of the body."""
    place, *where = error["loc"]
    if place != "body":
        return {"parameter": str(where[0]) if where else "", "detail": error["msg"]}
    if error["type"] == "json_invalid":
        return {"pointer": "#", "detail": f"not valid JSON at character {where[0]}"}
    known = list(_known(where, asked))
    pointer = "/".join(["#", *(str(part) for part, _ in known)])
    models = _models(known[-1][1] if known else asked)
    if error["type"] == "extra_forbidden" and models:
        return {"pointer": pointer, "detail": f"an unknown field, expected only {', '.join(models[0].model_fields)}"}
    return {"pointer": pointer, "detail": error["msg"]}


def _known(where: Sequence[str | int], asked: Any) -> Iterator[tuple[str | int, Any]]:
    """Each part of a place with its type. A key that is not ours may be a customer's words, so it ends above one."""
    for part in where:
        models = _models(asked)
        if isinstance(part, int):
            yield part, asked
        elif named := [model for model in models if model.__name__ == part]:  # which of several it was read as
            asked = named[0]
        elif fits := [model for model in models if part in model.model_fields]:
            asked = fits[0].model_fields[part].annotation
            yield part, asked
        else:
            return


def _models(kind: Any) -> list[type[BaseModel]]:
    """The documents that a type is or holds, as in `list[Document]` and `Document | None`."""
    if isinstance(kind, type) and not get_args(kind):
        return [kind] if issubclass(kind, BaseModel) else []
    return [model for part in get_args(kind) for model in _models(part)]
