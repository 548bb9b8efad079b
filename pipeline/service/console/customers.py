"""*Customers*: who is near leaving, and for each what happened, when, and why that is a risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, Response

from pipeline.report.blocks import Cell, Table, num
from pipeline.risk import BANDS
from pipeline.service import cursors
from pipeline.service.api.feedback import OutcomeFeedback, take
from pipeline.service.console import figures
from pipeline.service.console.entry import Admin, Posted, Reader, Writer
from pipeline.service.console.pages import Page, render, see
from pipeline.service.console.visitors import Denied, Visitor
from pipeline.service.store import customers as kept
from pipeline.service.store import erase, messages
from pipeline.service.store.contact import LEFT, STAYED
from pipeline.service.store.tables import Customer, Message

SHOWN, TIMELINE, REASONS = 25, 50, 3
LONGEST = 200  # characters of a search
router = APIRouter(route_class=Page)


@dataclass(frozen=True, slots=True)
class Reason:
    """What raises the risk: its share in [0, 1] and the ids of the messages behind it."""

    name: str
    share: float
    evidence: Sequence[str]


@router.get("/console/customers")
def customers(
    visitor: Reader, band: str = "", search: Annotated[str, Query(max_length=LONGEST)] = "", after: str = ""
) -> HTMLResponse:
    """Customers by risk, the highest first."""
    wanted, text = band if band in BANDS else None, search.replace("\0", "").strip()
    cursor = cursors.decode(after) if after else None
    with visitor.store.read() as session:
        page = kept.page(session, band=wanted, search=text or None, cursor=cursor, limit=SHOWN)
        counts = figures.bands(session)
    more = urlencode({"band": band, "search": text, "after": cursors.encode(page.next)}) if page.next else ""
    return render(
        visitor, "customers.html", place="customers", table=_table(visitor, page.items), band=wanted or "",
        bands=BANDS[::-1], counts=counts, search=text, more=more,
    )  # fmt: skip


@router.get("/console/customers/{customer_id:path}")
def customer(visitor: Reader, customer_id: str) -> HTMLResponse:
    """One customer: risk, its reasons with the messages behind them, and every touchpoint."""
    with visitor.store.read() as session:
        found = _found(session, customer_id)
        timeline = messages.page(session, customer=customer_id, limit=TIMELINE)
    return render(
        visitor, "customer.html", place="customers", customer=found, messages=timeline.items, most=TIMELINE,
        shown={message.id: place for place, message in enumerate(timeline.items, 1)}, drivers=reasons(found),
        is_cut=timeline.next is not None,
    )  # fmt: skip


@router.post("/console/customers/{customer_id:path}")
def what_became(visitor: Writer, form: Posted, customer_id: str) -> Response:
    """An agent's word that the customer left or stays; the risk is judged anew."""
    outcome = str(form.get("outcome", ""))
    if outcome not in (LEFT, STAYED):
        raise Denied(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_form")
    with visitor.store.begin() as session:
        _found(session, customer_id)
        said = OutcomeFeedback.model_validate({"customer": customer_id, "outcome": outcome})
        take(session, said, visitor.known, visitor.service)
    return see(f"/console/customers/{quote(customer_id)}")


@router.get("/console/forget/{customer_id:path}")
def confirm(visitor: Admin, customer_id: str) -> HTMLResponse:
    """What would be erased, before it is."""
    with visitor.store.read() as session:
        found = _found(session, customer_id)
        count = session.scalar(select(func.count()).where(Message.customer_id == customer_id)) or 0
    return render(visitor, "forget.html", place="customers", customer=found, count=count)


@router.post("/console/forget/{customer_id:path}")
def forget(visitor: Admin, form: Posted, customer_id: str) -> Response:
    """Every trace of the customer goes, as by DELETE /v1/customers/{id}."""
    service = visitor.service
    with visitor.store.begin() as session:
        found = erase.forget(
            session, _storable(customer_id), service.uploads, service.replays, visitor.known.id, now=service.clock()
        )
    if not found.anything:
        raise Denied(HTTPStatus.NOT_FOUND, "no_customer")
    return see("/console/customers")


def reasons(customer: Customer) -> list[Reason]:
    """The greatest first."""
    found = (Reason(name, each["share"], each["evidence"]) for name, each in customer.drivers.items())
    return sorted(found, key=lambda reason: (-reason.share, reason.name))


def _found(session: Session, customer_id: str) -> Customer:
    """Raises Denied for one who is not in the store."""
    customer = kept.get(session, _storable(customer_id))
    if customer is None:
        raise Denied(HTTPStatus.NOT_FOUND, "no_customer")
    return customer


def _storable(customer_id: str) -> str:
    """Raises Denied for what can be no id."""
    if "\0" in customer_id:
        raise Denied(HTTPStatus.NOT_FOUND, "no_customer")
    return customer_id


def _table(visitor: Visitor, customers: Sequence[Customer]) -> Table:
    words = visitor.words
    valued = any(each.value is not None for each in customers)
    keys = ["customer", "risk", "trend", "reasons", "last_contact", *(["value"] if valued else [])]
    return Table(
        words("customers"), [words(key) for key in keys], [_row(visitor, each, valued=valued) for each in customers]
    )


def _row(visitor: Visitor, customer: Customer, *, valued: bool) -> list[Cell]:
    words, locale = visitor.words, visitor.locale
    said = [f"{words.known(each.name)} ({locale.percent(each.share)})" for each in reasons(customer)[:REASONS]]
    level = f"{locale.number(customer.risk)}{words('joint')}{words(customer.band)}"
    cells = [
        Cell(customer.id, "id", link=f"/console/customers/{quote(customer.id)}"),
        Cell(level, customer.band, customer.risk / 100),
        Cell(words.known(customer.trend)),
        Cell(words("joint").join(said) or "–"),
        Cell(locale.date(customer.last_contact) if customer.last_contact else "–"),
    ]
    if valued:
        cells.append(num("–" if customer.value is None else locale.number(customer.value)))
    return cells
