"""The same request sent twice is done once: its answer is kept under the caller's `Idempotency-Key` and given again.

After draft-ietf-httpapi-idempotency-key-header. The answer is written in the transaction of the work itself, so
neither is kept without the other; of two at once, the second waits for the first, undoes its own and gives the first's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Header, Request
from pydantic_core import to_json
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.responses import Response

from pipeline.service.auth.access import Actor
from pipeline.service.problems import Refusal
from pipeline.service.store.tables import Answered

IDEMPOTENCY_KEY, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
Document = dict[str, Any]
Work = Callable[[], tuple[int, Document]]
Whole = Callable[[Document], Document]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias=IDEMPOTENCY_KEY, min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$",
        description="any word of the caller's own, such as a UUID; the same key again gives the same answer",
    ),
]  # fmt: skip


def _as_it_is(document: Document) -> Document:
    return document


def idempotent(
    request: Request, session: Session, actor: Actor, key: str | None, body_digest: str, work: Work,
    *, whole: Whole = _as_it_is,
) -> Response:  # fmt: skip
    """The answer of `work`, which gives a status and a document; or the one that `key` got before.

    `session` is an open transaction, in which `work` writes. Without a key it is simply done. `whole` gives a document
    what is not to be kept of it. Raises Refusal (422) when the key came with another request.
    """
    if key is None:
        status, document = work()
        return answer(status, whole(document))
    if (before := earlier(request, session, actor, key, body_digest, whole=whole)) is not None:
        return before
    row = Answered(
        key=key, actor=actor.id, asked=_asked(request, body_digest), status=None, body=None,
        created_at=request.app.state.service.clock(),
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # another has just answered
        session.expire_all()
        if (before := earlier(request, session, actor, key, body_digest, whole=whole)) is not None:
            return before
        raise
    row.status, row.body = work()
    return answer(row.status, whole(row.body))


def earlier(
    request: Request, session: Session, actor: Actor, key: str, body_digest: str, *, whole: Whole = _as_it_is
) -> Response | None:
    """The answer that `key` got before, if any. Raises Refusal (422) when it came with another request."""
    row = session.get(Answered, (key, actor.id))
    if row is None:
        return None
    if row.asked != _asked(request, body_digest):
        detail = "this Idempotency-Key came with another request before; use a new key for each request"
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    if row.status is None or row.body is None:
        detail = "the request of this Idempotency-Key is still being done; ask again"
        raise Refusal(HTTPStatus.CONFLICT, detail, headers={"Retry-After": "1"})
    return answer(row.status, whole(row.body), {REPLAYED: "true"})


def digest(*parts: bytes) -> str:
    """sha256, in hex, of what was asked."""
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()


def answer(status: int, document: Any, headers: dict[str, str] | None = None) -> Response:
    """A document as it is, not validated again."""
    return Response(to_json(document), status, headers, "application/json")


def _asked(request: Request, body_digest: str) -> str:
    return digest(request.method.encode(), request.url.path.encode(), body_digest.encode())
