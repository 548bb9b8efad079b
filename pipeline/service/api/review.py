"""GET /v1/review: what the model was unsure of, language by language in turn."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from pipeline.service import cursors
from pipeline.service.access import needs
from pipeline.service.api import shown
from pipeline.service.api.paged import Cursor, Limit, store_of
from pipeline.service.api.shown import StoredOut
from pipeline.service.reviewing import to_review
from pipeline.service.schemas import Answer
from pipeline.service.state import service_of

router = APIRouter(prefix="/v1", tags=["review"])


class ReviewPage(Answer):
    items: list[StoredOut] = Field(description="the most informative first, the languages in turn")
    next: str | None


@router.get("/review", response_model=ReviewPage, dependencies=[Depends(needs("read"))])
def list_review(request: Request, limit: Limit = 20, cursor: Cursor = None) -> Any:
    """Messages that no person has judged, the least certain of each language in turn.

    POST /v1/feedback on one takes it off the list.
    """
    with store_of(service_of(request)).read() as session:
        rows, after = to_review(session, limit=limit, after=cursors.decode(cursor) if cursor else None)
        items = [shown.message(row, {}) for row in rows]
    return {"items": items, "next": cursors.encode(after) if after else None}
