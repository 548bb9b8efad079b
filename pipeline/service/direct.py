"""A route that reads its request itself, for the one that is asked most often.

FastAPI works out the parameters of a handler anew for each request, which takes longer than all else that the service
does around a score. Here the handler's signature is still what /openapi.json describes, but what it says is read at
once.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from pipeline.service.idempotency import IDEMPOTENCY_KEY, IdempotencyKey
from pipeline.service.problems import Refusal

_KEY: TypeAdapter[str | None] = TypeAdapter(IdempotencyKey)


class Direct(Route):
    """Answers in front of `described`, a route of FastAPI, which is left to describe it in /openapi.json.

    Its handler has these parameters: the request, its JSON body, the caller, and the Idempotency-Key. Raises
    RequestValidationError and Refusal where FastAPI would, but asks who the caller is first.
    """

    def __init__(self, described: APIRoute) -> None:
        super().__init__(described.path, _reading(described), methods=list(described.methods or ()))
        self._described = described

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        return match, {**found, "route": self._described}


def _reading(described: APIRoute) -> Callable[[Request], Awaitable[Response]]:
    assert described.body_field  # nosec B101 # for the types: it has a body
    model, (needs,) = described.body_field.field_info.annotation, described.dependant.dependencies
    assert model  # nosec B101 # for the types
    assert needs.call  # nosec B101 # for the types
    identify, handler = needs.call, described.endpoint

    async def answer(request: Request) -> Response:
        actor = await identify(request)
        key = checked(_KEY.validate_python, request.headers.get(IDEMPOTENCY_KEY), "header", IDEMPOTENCY_KEY)
        asked = checked(model.model_validate, await document(request), "body")
        answered: Response = await handler(request, asked, actor, key)
        return answered

    return answer


async def document(request: Request) -> Any:
    """The JSON of the body; the bytes themselves where they are said to be of another kind.

    Raises RequestValidationError for what is no JSON, Refusal (400) for what cannot be read at all.
    """
    body = await request.body()
    if not body:
        raise RequestValidationError([{"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}])
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        return body
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        found = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error", "input": {}}
        raise RequestValidationError([found]) from None
    except (ValueError, RecursionError):  # not UTF-8, or a number of thousands of digits
        raise Refusal(HTTPStatus.BAD_REQUEST, "the body is no JSON in UTF-8 that can be read") from None


def checked(check: Callable[[Any], Any], value: Any, *place: str) -> Any:
    """What `check` makes of `value`. Raises RequestValidationError at `place` for what is not valid."""
    try:
        return check(value)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise RequestValidationError([{**each, "loc": (*place, *each["loc"])} for each in found]) from None
