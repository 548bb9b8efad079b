"""Who comes in to the console: the dependencies of its pages.

A login counts; so does this machine's own user, as for the API, while there is neither a key nor a user in the store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from anyio import to_thread
from fastapi import Depends
from starlette.datastructures import FormData
from starlette.requests import Request

from pipeline.service.access import LOCAL, is_from_here, logged_in
from pipeline.service.auth import logins, tokens
from pipeline.service.auth.access import ADMIN, READ, SCORE, WRITE
from pipeline.service.console.visitors import Denied, Visitor
from pipeline.service.state import service_of

MOST_FIELDS = 50


async def visit(request: Request) -> Visitor:
    """Anyone, logged in or not."""
    visitor = await _known(request, Visitor.stranger(request))
    request.state.visitor = visitor
    if visitor.logged_in:
        visitor.service.rate.count(visitor.known.id)
    return visitor


def needs(scope: str) -> Callable[..., Visitor]:
    """A dependency: a visitor with `scope`. Others are sent to the login, or told what they lack."""

    def dependency(visitor: Annotated[Visitor, Depends(visit)]) -> Visitor:
        if not visitor.known.may(scope):
            raise Denied(HTTPStatus.FORBIDDEN, "forbidden")
        return visitor

    return dependency


async def posted(request: Request, visitor: Annotated[Visitor, Depends(visit)]) -> FormData:
    """The fields of a form that this very visitor was given. Raises Denied for any other."""
    form = await request.form(max_files=0, max_fields=MOST_FIELDS)
    check(visitor, form.get(tokens.FIELD, ""))
    return form


def check(visitor: Visitor, given: object) -> None:
    """Raises Denied when `given` is no token of the visitor's forms."""
    if not tokens.is_genuine(visitor.secret, given):
        raise Denied(HTTPStatus.FORBIDDEN, "old_form")


async def _known(request: Request, stranger: Visitor) -> Visitor:
    service = service_of(request)
    cookie = request.cookies.get(logins.COOKIE, "")
    if cookie and (actor := await to_thread.run_sync(logged_in, service, cookie)):
        return replace(stranger, actor=actor, secret=cookie, is_new=False, logged_in=True)
    if service.local and is_from_here(request) and await service.keyring.is_empty():
        return replace(stranger, actor=LOCAL)
    return stranger


Anyone = Annotated[Visitor, Depends(visit)]
Reader = Annotated[Visitor, Depends(needs(READ))]
Scorer = Annotated[Visitor, Depends(needs(SCORE))]
Writer = Annotated[Visitor, Depends(needs(WRITE))]
Admin = Annotated[Visitor, Depends(needs(ADMIN))]
Posted = Annotated[FormData, Depends(posted)]
