"""Logging in and out, and how the reader wants the pages."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pipeline.report.locale import LANGUAGES
from pipeline.script import is_printable
from pipeline.service.auth import logins, users
from pipeline.service.console import preferences
from pipeline.service.console.entry import Anyone, Posted
from pipeline.service.console.pages import Page, render, see
from pipeline.service.console.preferences import DIGITS, THEMES, YEAR, Preferences
from pipeline.service.console.visitors import LOGIN, Visitor
from pipeline.service.store import audit

HOME = "/console/today"
LONGEST = 1_000  # characters of a password that are looked at
router = APIRouter(route_class=Page)


@router.get("/")
def root() -> Response:
    """The console begins with *Today*."""
    return see(HOME)


@router.get("/console")
def console() -> Response:
    """The same."""
    return see(HOME)


@router.get(LOGIN)
def ask(visitor: Anyone, next: str = HOME) -> Response:
    """The form; whoever is known already needs none."""
    return see(within(next)) if visitor.actor else _form(visitor, next)


@router.post(LOGIN)
def log_in(request: Request, visitor: Anyone, form: Posted) -> Response:
    """A new session. How often an address may try is limited, whether it names a user that there is or not."""
    path, now = str(form.get("next", "")), visitor.service.clock()
    try:
        visitor.service.logins.count(request.client.host if request.client else "")
    except HTTPException:
        return _form(visitor, path, failed="too_often", status=HTTPStatus.TOO_MANY_REQUESTS)
    with visitor.store.begin() as session:
        actor = users.verify(session, str(form.get("name", "")), str(form.get("password", ""))[:LONGEST])
        if actor is None:
            return _form(visitor, path, failed="wrong_password", status=HTTPStatus.FORBIDDEN)
        cookie = logins.open(session, actor.name, now=now)
        audit.note(session, actor=actor.id, action="console.log_in", now=now)
    answer = see(within(path))
    visitor.remember(answer, logins.COOKIE, cookie, max_age=int(logins.LASTS.total_seconds()))
    return answer


@router.post("/console/logout")
def log_out(visitor: Anyone, form: Posted) -> Response:
    """Ends the session here and in the store."""
    if visitor.logged_in:
        with visitor.store.begin() as session:
            logins.close(session, visitor.secret)
            audit.note(session, actor=visitor.known.id, action="console.log_out", now=visitor.service.clock())
    answer = see(LOGIN)
    visitor.forget(answer, logins.COOKIE)
    return answer


@router.post("/console/preferences")
def prefer(visitor: Anyone, form: Posted) -> Response:
    """Keeps one choice and goes back to the page it was made on."""
    known = {"language": LANGUAGES, "digits": DIGITS, "theme": THEMES}
    chosen = {name: value for name, allowed in known.items() if (value := str(form.get(name, ""))) in allowed}
    wanted: Preferences = replace(visitor.preferences, **chosen)
    answer = see(within(str(form.get("next", ""))))
    visitor.remember(answer, preferences.COOKIE, wanted.cookie, max_age=YEAR)
    return answer


def within(path: str) -> str:
    """`path` if it is a page of the console, else where it begins: no form leads to another site."""
    is_ours = path.startswith("/console/") and "\\" not in path and is_printable(path)
    return path if is_ours else HOME


def _form(visitor: Visitor, next: str, *, failed: str = "", status: int = HTTPStatus.OK) -> HTMLResponse:
    return render(visitor, "login.html", status=status, place="", next=within(next), failed=failed)
