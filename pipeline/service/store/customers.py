"""The customers of the store, each with its risk as it was last judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.records import CustomerRisk
from pipeline.risk.fold import BANDS, risk
from pipeline.risk.weights import Weights
from pipeline.service.store import messages
from pipeline.service.store.connect import SQLITE
from pipeline.service.store.insert import insert
from pipeline.service.store.paging import Cursor, Order, Page
from pipeline.service.store.paging import page as paged
from pipeline.service.store.tables import Customer

AT_RISK = Order(Customer.risk, Customer.id)


def page(
    session: Session,
    *,
    band: str | None = None,
    search: str | None = None,
    cursor: Cursor | None = None,
    limit: int = 50,
) -> Page[Customer]:
    """Those most at risk first, of one band or of all; `search` is a part of the id."""
    query = select(Customer)
    if band is not None:
        query = query.where(Customer.band == band)
    if search:
        query = query.where(Customer.id.icontains(search, autoescape=True))
    return paged(session, query, AT_RISK, cursor=cursor, limit=limit)


def get(session: Session, id: str) -> Customer | None:
    return session.get(Customer, id)


def ensure_all(session: Session, ids: Iterable[str], *, now: datetime | None = None) -> list[Customer]:
    """The customers, made where there are none, sorted by id, and held until the transaction ends, so that judging them
    has its turn; in one order, so that two transactions never wait for each other."""
    wanted = sorted(set(ids))
    if not wanted:
        return []
    made = now or datetime.now(UTC)
    rows = [{"id": id, "created_at": made} for id in wanted]
    while True:  # one that was there may be erased while this waits for it
        session.execute(insert(session, Customer).values(rows).on_conflict_do_nothing(index_elements=["id"]))
        held = _held(session, wanted)
        if len(held) == len(wanted):
            return held


def _held(session: Session, ids: Sequence[str]) -> list[Customer]:
    """Those of them that there are, locked in the order of Python's `sorted`, whatever the database's collation is."""
    by_code = Customer.id if session.get_bind().dialect.name == SQLITE else Customer.id.collate("C")
    query = select(Customer).where(Customer.id.in_(ids)).order_by(by_code).with_for_update()
    return list(session.scalars(query, execution_options={"populate_existing": True}))


def judge(session: Session, id: str, now: datetime, weights: Weights) -> tuple[str, str] | None:
    """Works out the risk from the history and writes it down; returns the band before and after.

    A customer without a contact up to `now` is at no risk. None for one who is not in the store, or no longer.
    """
    customer = next(iter(_held(session, [id])), None)
    if customer is None:
        return None
    before = customer.band
    contacts = [each for each in messages.contacts(session, id) if each.time <= now]
    if contacts:
        _write(customer, risk(contacts, now=now, weights=weights))
    else:
        _clear(customer)
    customer.judged_at = now
    session.flush()
    return before, customer.band


def stale(session: Session, before: datetime, *, limit: int) -> list[str]:
    """Customers whose risk was judged before that, the oldest first: risk fades and silence grows with time alone."""
    query = select(Customer.id).where(Customer.judged_at < before).order_by(Customer.judged_at, Customer.id)
    return list(session.scalars(query.limit(limit)))


def _write(customer: Customer, found: CustomerRisk) -> None:
    customer.risk, customer.band, customer.trend = found.score, found.band, found.trend
    customer.drivers = {
        driver.name: {"share": driver.share, "evidence": list(driver.evidence)} for driver in found.drivers
    }
    customer.left_at, customer.value, customer.last_contact = found.left, found.value, found.last_contact


def _clear(customer: Customer) -> None:
    customer.risk, customer.band, customer.trend, customer.drivers = 0.0, BANDS[0], "steady", {}
    customer.left_at = customer.value = customer.last_contact = None


def bands(session: Session, ids: Sequence[str]) -> dict[str, str]:
    """Customer -> risk band, of those that there are; at most as many as a request has messages."""
    found = session.execute(select(Customer.id, Customer.band).where(Customer.id.in_(ids)))
    return {row.id: row.band for row in found}
