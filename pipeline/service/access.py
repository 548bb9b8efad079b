"""Who is asking, and whether they may: an API key, a login of the console, or this machine's own user.

A browser can be made to send requests by any page that it shows. So a login counts for a write only with the token of
the console's forms, and this machine's user only where the request names this machine and comes from no other site.
"""

from __future__ import annotations

from functools import cache, lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi import Request
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase

from pipeline.service.auth import logins, tokens
from pipeline.service.auth.access import SCOPES, Actor
from pipeline.service.guard import TOLD
from pipeline.service.problems import Refusal
from pipeline.service.state import Service, service_of

LOCAL = Actor("local", "local", frozenset(SCOPES))
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PREFIX = "bearer "
PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")


class Needs(SecurityBase):
    """A dependency that gives the Actor who asks, one with `scope`; an admin has every scope."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.scheme_name = "key"
        self.model = HTTPBearerModel(description="An API key, made by `nabd keys create`")

    async def __call__(self, request: Request) -> Actor:
        service = service_of(request)
        actor = await identify(request, _key(request))
        if actor is None:
            _count(service, request, _address(request))
            detail = "no key that counts here; send one that is valid as `Authorization: Bearer nabd_...`"
            raise Refusal(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})
        if actor is not LOCAL:
            _count(service, request, actor.id)
        if not actor.may(self.scope):
            detail = f"this key lacks the scope {self.scope!r}; ask for one that has it"
            raise Refusal(HTTPStatus.FORBIDDEN, detail)
        return actor


@cache
def needs(scope: str) -> Needs:
    """The dependency for `scope`: score, read, write or admin."""
    return Needs(scope)


async def identify(request: Request, key: str | None) -> Actor | None:
    """Who asks, by `key` or else by cookie or place; None for nobody known. A key that does not count is not passed."""
    service = service_of(request)
    if key is not None:
        if (known := service.keyring.remembered(key)) is not None:
            return known
        service.rate.check(_address(request))
        return await service.keyring.actor(key)
    cookie = request.cookies.get(logins.COOKIE)
    if cookie and service.store and _may_write(request, cookie):
        return await to_thread.run_sync(logged_in, service, cookie)
    if service.local and is_from_here(request) and await service.keyring.is_empty():
        return LOCAL
    return None


def logged_in(service: Service, cookie: str) -> Actor | None:
    """Whose login the console's cookie is."""
    assert service.store  # nosec B101 # for the types: a cookie is read only where there is a store
    with service.store.read() as session:
        return logins.check(session, cookie, service.clock())


def is_from_here(request: Request) -> bool:
    """Whether a request names this machine as its host, no proxy says that it passed it on and, where a page of a
    browser sent it, that page is ours."""
    host = request.headers.get("host", "")
    if not _is_this_machine(host) or any(name in request.headers for name in PASSED_ON):
        return False
    origin = request.headers.get("origin")
    if origin is not None and origin != f"{request.url.scheme}://{host}":
        return False
    site = request.headers.get("sec-fetch-site", "none")
    return request.method in SAFE or site in ("none", "same-origin")


def _key(request: Request) -> str | None:
    """The key of the Authorization header, whole; None without that header. Another scheme's is no key of ours."""
    given = request.headers.get("authorization")
    return given[len(PREFIX) :] if given and given[: len(PREFIX)].lower() == PREFIX else given


def _may_write(request: Request, cookie: str) -> bool:
    return request.method in SAFE or tokens.is_genuine(cookie, request.headers.get(tokens.HEADER, ""))


@lru_cache(maxsize=100)
def _is_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _address(request: Request) -> str:
    """What stands for someone without a key."""
    return f"address {request.client.host if request.client else ''}"


def _count(service: Service, request: Request, who: str) -> None:
    told = service.rate.count(who)
    request.scope[TOLD].extend((name.lower().encode(), value.encode()) for name, value in told.items())
