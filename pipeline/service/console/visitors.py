"""Who is at the console, and what they may do there."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from pipeline.report.locale import Locale
from pipeline.report.words import Words
from pipeline.service.auth import tokens
from pipeline.service.console.preferences import Preferences, preferences_of

if TYPE_CHECKING:
    from pipeline.service.auth.access import Actor
    from pipeline.service.state import Service
    from pipeline.service.store.engine import Store

LOGIN = "/console/login"
PACKAGES = ("pipeline.service.console", "pipeline.report")


class Away(Exception):
    """The answer is on another page."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Denied(Exception):
    """A page that the visitor does not get; `key` goes by the words that say why."""

    def __init__(self, status: int, key: str) -> None:
        super().__init__(key)
        self.status, self.key = status, key


@dataclass(frozen=True)
class Visitor:
    """`actor` is None for someone who has not logged in. `secret` signs the tokens of forms; `is_new`: not yet kept."""

    service: Service
    preferences: Preferences
    actor: Actor | None
    secret: str
    is_new: bool
    is_secure: bool
    path: str
    logged_in: bool = False

    @classmethod
    def stranger(cls, request: Request) -> Visitor:
        """Someone of whom nothing is known yet."""
        kept = request.cookies.get(tokens.COOKIE, "")
        query = request.url.query if request.method == "GET" else ""
        path = request.url.path + (f"?{query}" if query else "")
        return cls(
            request.app.state.service, preferences_of(request.cookies, request.headers), None,
            kept or secrets.token_urlsafe(24), not kept, request.url.scheme == "https", path,
        )  # fmt: skip

    @property
    def locale(self) -> Locale:
        return self.preferences.locale

    @property
    def words(self) -> Words:
        return Words(self.locale, self.service.model.bundle.taxonomy, PACKAGES)

    @property
    def known(self) -> Actor:
        """The actor. Raises Away to the login for someone who is none."""
        if self.actor is None:
            raise Away(f"{LOGIN}?next={quote(self.path)}")
        return self.actor

    def may(self, scope: str) -> bool:
        return self.actor is not None and self.actor.may(scope)

    @property
    def store(self) -> Store:
        """There is one wherever there is a console."""
        assert self.service.store is not None  # nosec B101 # for the types: no console without a store
        return self.service.store

    def remember(self, answer: Response, name: str, value: str, *, max_age: int | None) -> None:
        """Sets a cookie of the console's own, for this site's pages alone; without `max_age` it goes with the tab."""
        answer.set_cookie(name, value, max_age=max_age, path="/", httponly=True, samesite="lax", secure=self.is_secure)

    def forget(self, answer: Response, name: str) -> None:
        answer.delete_cookie(name, path="/", httponly=True, samesite="lax", secure=self.is_secure)
