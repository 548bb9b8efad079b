"""Helpdesk exports flattened to one row per customer message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.readers.helpdesk.freshdesk import FRESHDESK
from pipeline.readers.helpdesk.intercom import INTERCOM
from pipeline.readers.helpdesk.shape import Side, Turn, Vendor
from pipeline.readers.helpdesk.zammad import ZAMMAD, tickets_of_assets
from pipeline.readers.helpdesk.zendesk import ZENDESK
from pipeline.records import Reject, Row, Values

__all__ = ["Side", "Vendor", "find_vendor", "flattened", "tickets_of_assets"]

_VENDORS = (ZENDESK, FRESHDESK, INTERCOM, ZAMMAD)


def find_vendor(record: Values) -> Vendor | None:
    """The helpdesk whose ticket this is."""
    return next((vendor for vendor in _VENDORS if vendor.matches(record)), None)


def flattened(
    tickets: Iterable[Row | Reject], vendor: Vendor, side: Side, skipped: dict[str, int]
) -> Iterator[Row | Reject]:
    """Rows numbered anew; agents', private and system messages are only counted, in `skipped`."""
    number = 0
    for ticket in tickets:
        for turn in _turns(ticket, vendor, side):
            if isinstance(turn, Turn) and turn.skipped:
                skipped[turn.skipped] = skipped.get(turn.skipped, 0) + 1
                continue
            number += 1
            yield Row(number, turn.values) if isinstance(turn, Turn) else Reject(number, turn.reason, turn.values)


def _turns(ticket: Row | Reject, vendor: Vendor, side: Side) -> Iterator[Turn | Reject]:
    if isinstance(ticket, Reject):
        yield ticket
        return
    try:
        turns = list(vendor.turns(ticket.values, side))
    except (AttributeError, KeyError, OSError, OverflowError, TypeError, ValueError):
        turns = []
        reason = f"ticket {ticket.number} does not have the shape of a {vendor.name} ticket"
        yield Reject(ticket.number, reason, ticket.values)
    yield from turns
