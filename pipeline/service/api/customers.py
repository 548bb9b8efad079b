"""GET /v1/customers, GET and DELETE /v1/customers/{id}."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from pipeline.service.access import needs
from pipeline.service.api import shown
from pipeline.service.api.paged import Cursor, Limit, listed, nothing, store_of
from pipeline.service.api.shown import CustomerDetail, CustomerPage
from pipeline.service.auth.access import Actor
from pipeline.service.keeping import LONGEST_ID
from pipeline.service.state import service_of
from pipeline.service.store import customers, erase, feedback, messages

router = APIRouter(prefix="/v1", tags=["customers"])
Band = Literal["low", "watch", "high", "critical", "left"]


@router.get("/customers", response_model=CustomerPage, dependencies=[Depends(needs("read"))])
def list_customers(
    request: Request,
    band: Annotated[Band | None, Query(description="of one band only")] = None,
    search: Annotated[str | None, Query(max_length=LONGEST_ID, description="a part of the id")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Any:
    """Customers, those most at risk first."""
    with store_of(service_of(request)).read() as session:
        return listed(
            lambda after: customers.page(session, band=band, search=_plain(search), cursor=after, limit=limit),
            cursor,
            shown.customer,
        )


@router.get("/customers/{id:path}", response_model=CustomerDetail, dependencies=[Depends(needs("read"))])
def get_customer(request: Request, id: str, limit: Limit = 50, cursor: Cursor = None) -> Any:
    """One customer: the risk, what drives it, and the timeline of messages with their labels, the newest first."""
    with store_of(service_of(request)).read() as session:
        found = customers.get(session, _known(id))
        if found is None:
            raise nothing("customer")
        said = feedback.on_messages_of(session, id)
        timeline = listed(
            lambda after: messages.page(session, customer=id, cursor=after, limit=limit),
            cursor,
            lambda row: shown.message(row, said.get(row.id, {})),
        )
        return {**shown.customer(found), "timeline": timeline}


@router.delete("/customers/{id:path}", status_code=204)
def forget_customer(request: Request, id: str, actor: Annotated[Actor, Depends(needs("admin"))]) -> Response:
    """Erase every trace of a customer: messages, scores, feedback, events, and what files say of them."""
    service = service_of(request)
    with store_of(service).begin() as session:
        found = erase.forget(session, _known(id), service.uploads, service.replays, actor.id, now=service.clock())
    if not found.anything:  # said only now: an erasure that was cut short is brought to its end by asking again
        raise nothing("customer")
    return Response(status_code=204)


def _known(id: str) -> str:
    """Raises Refusal for what can be no id of a customer."""
    if len(id) > LONGEST_ID or "\0" in id:
        raise nothing("customer")
    return id


def _plain(search: str | None) -> str | None:
    return search.replace("\0", "") if search else None
