"""Bodies of requests are bounded while they are read: their bytes, their seconds, and the parts of their JSON."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus

from starlette.types import Message, Receive, Scope

from pipeline.service.problems import Refusal

UPLOADS = frozenset({"/v1/uploads", "/v1/jobs", "/console/jobs"})  # they stream a file to disk
OVERHEAD = 64 * 1024  # of a form beside its file
SLOWEST = 16 * 1024  # bytes a second, after the first seconds
SMALL = 256 * 1024  # bytes: what a smaller JSON document becomes in memory is small too
DEEPEST, MOST_PARTS = 32, 500_000  # of a JSON document: levels; values, keys and brackets together


@dataclass(frozen=True, slots=True)
class Limits:
    """`total` bytes of all bodies that are read at the same time."""

    body: int
    upload: int
    seconds: float
    total: int


class Reader:
    """One request's body. `held` counts the bytes of all that are held now, and is shared by all readers."""

    def __init__(self, scope: Scope, receive: Receive, limits: Limits, held: list[int]) -> None:
        self._receive, self._limits, self._held = receive, limits, held
        self._headers = dict(scope["headers"])
        self._kind = self._headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        self._is_upload = self._kind == b"multipart/form-data" and scope["path"] in UPLOADS
        self._most = limits.upload + OVERHEAD if self._is_upload else limits.body
        self._begun = asyncio.get_running_loop().time()
        self._read, self._complete = 0, False
        self._whole: bytes | None = None

    @property
    def is_empty(self) -> bool:
        return b"content-length" not in self._headers and b"transfer-encoding" not in self._headers

    async def prepare(self) -> None:
        """Reads a JSON body whole and looks at its shape. Raises Refusal."""
        if self.is_empty:
            return
        told = self._headers.get(b"content-length", b"")
        if told.isdigit() and int(told) > self._most:
            raise self._too_large()
        if self._kind.endswith(b"json"):
            chunks = []
            while not self._complete:
                message = await self._next()
                if message["type"] != "http.request":
                    return
                chunks.append(message.get("body", b""))
            self._whole = b"".join(chunks)
            check_shape(self._whole)

    async def receive(self) -> Message:
        """What the application reads."""
        if self._whole is not None:
            body, self._whole = self._whole, None
            return {"type": "http.request", "body": body, "more_body": False}
        return await (self._receive() if self._complete or self.is_empty else self._next())

    def close(self) -> None:
        if not self._is_upload:
            self._held[0] -= self._read

    async def _next(self) -> Message:
        waited = asyncio.get_running_loop().time() - self._begun
        patience = self._limits.seconds + min(waited, self._read / SLOWEST)  # what came before buys no longer silence
        try:
            async with asyncio.timeout_at(self._begun + patience):
                message = await self._receive()
        except TimeoutError:
            detail = "the body came too slowly; send it again"
            raise Refusal(HTTPStatus.REQUEST_TIMEOUT, detail, headers={"Connection": "close"}) from None
        size = len(message.get("body", b""))
        self._read += size
        self._complete = not message.get("more_body", False)
        if not self._is_upload:
            self._held[0] += size
        if self._read > self._most:
            raise self._too_large()
        if self._held[0] > self._limits.total:
            detail = "too many large bodies at once; ask again"
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "1", "Connection": "close"})
        return message

    def _too_large(self) -> Refusal:
        detail = f"the body is over {self._most:,} bytes; send fewer messages at once"
        return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, headers={"Connection": "close"})


def check_shape(body: bytes) -> None:
    """Refuses JSON that is nested too deep or has too many parts, before a parser makes objects of it."""
    if len(body) <= SMALL and body.count(b"[") + body.count(b"{") <= DEEPEST:
        return
    depth = 0
    for parts, match in enumerate(_structure().finditer(body), start=1):
        mark = match[0]
        if mark in (b"[", b"{"):
            depth += 1
        elif mark in (b"]", b"}"):
            depth -= 1
        if depth > DEEPEST or parts > MOST_PARTS:
            detail = f"the JSON has over {DEEPEST} levels or {MOST_PARTS:,} parts; send fewer messages at once"
            raise Refusal(HTTPStatus.BAD_REQUEST, detail)


@cache
def _structure() -> re.Pattern[bytes]:
    """Brackets and separators outside of strings; a string is one part too, one without an end goes to the end: else
    each quote in it would be tried as a beginning."""
    return re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
