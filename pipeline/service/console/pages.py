"""Pages from templates, and what becomes of an error on the way to one: the console answers with pages alone."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import ChoiceLoader, Environment, PackageLoader
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pipeline import __version__
from pipeline.errors import NabdError
from pipeline.service.auth import tokens
from pipeline.service.batching import Refused
from pipeline.service.console.visitors import Away, Denied, Visitor

PLACES = ("today", "try", "customers", "review", "jobs", "models")
WHY = {HTTPStatus.NOT_FOUND: "not_found", HTTPStatus.FORBIDDEN: "forbidden"}


def render(visitor: Visitor, name: str, *, status: int = HTTPStatus.OK, **values: Any) -> HTMLResponse:
    """The page of one template; every text in it is escaped."""
    page = _templates().get_template(name).render(
        words=visitor.words, locale=visitor.locale, preferences=visitor.preferences, visitor=visitor,
        token=tokens.token(visitor.secret), places=PLACES, version=__version__, **values,
    )  # fmt: skip
    answer = HTMLResponse(page, status)
    if visitor.is_new:
        visitor.remember(answer, tokens.COOKIE, visitor.secret, max_age=None)
    return answer


def see(path: str) -> RedirectResponse:
    """Go and get another page, after a form was taken."""
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)


class Page(APIRoute):
    """A route whose errors are pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handler(request)
            except Away as away:
                return see(away.path)
            except Denied as denied:
                return _refused(request, denied.status, denied.key, "")
            except Refused as refused:
                return _refused(request, refused.status, "busy", "")
            except HTTPException as error:
                return _refused(request, error.status_code, "", str(error.detail))
            except RequestValidationError:
                return _refused(request, HTTPStatus.UNPROCESSABLE_ENTITY, "bad_form", "")
            except NabdError as error:
                return _refused(request, HTTPStatus.UNPROCESSABLE_ENTITY, "refused", str(error))

        return answered


def _refused(request: Request, status: int, key: str, detail: str) -> Response:
    """`detail` is in English and holds nothing of what was sent."""
    visitor = getattr(request.state, "visitor", None) or Visitor.stranger(request)
    return render(visitor, "refused.html", status=status, place="", why=key or WHY.get(HTTPStatus(status), "refused"),
                  detail=detail)  # fmt: skip


@cache
def _templates() -> Environment:
    loader = ChoiceLoader([PackageLoader("pipeline.service.console"), PackageLoader("pipeline.report")])
    return Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)


def report_style() -> str:
    """The style sheet that the report and the console share."""
    return files("pipeline.report").joinpath("templates", "style.css").read_text(encoding="utf-8")
