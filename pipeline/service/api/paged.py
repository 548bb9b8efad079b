"""What the endpoints share: the store, and pages of it with an opaque cursor."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import Query

from pipeline.errors import UsageError
from pipeline.service import cursors
from pipeline.service.problems import Refusal
from pipeline.service.state import Service
from pipeline.service.store.engine import Store
from pipeline.service.store.paging import Page

Row = TypeVar("Row")
MOST = 200  # of one page

Limit = Annotated[int, Query(ge=1, le=MOST, description="how many at most")]
Cursor = Annotated[
    str | None, Query(max_length=cursors.LONGEST, description="`next` of the page before; leave it out for the first")
]


def store_of(service: Service) -> Store:
    """Raises Refusal (503) where the service runs without a store."""
    if service.store is None:
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "this service keeps nothing: it runs without a store")
    return service.store


def listed(read: Callable[[dict[str, Any] | None], Page[Row]], cursor: str | None, show: Callable[[Row], Any]) -> Any:
    """One page as a document. Raises Refusal (400) for a cursor that is not one of this list."""
    try:
        page = read(cursors.decode(cursor) if cursor else None)
    except UsageError as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, str(error)) from None
    return {"items": [show(row) for row in page.items], "next": cursors.encode(page.next) if page.next else None}


def nothing(what: str) -> Refusal:
    """There is no such thing (any more)."""
    return Refusal(HTTPStatus.NOT_FOUND, f"there is no such {what}")
