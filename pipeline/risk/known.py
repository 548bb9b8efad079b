"""What a desk knew on a day: an export is a snapshot, and much of it was written long after the message.

A prediction made as of a day may use nothing from later, or a backtest measures hindsight.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pipeline.records import Contact, Outcome
from pipeline.risk.past import SOLVED, WAITING


def datable(contacts: Sequence[Contact]) -> list[Contact]:
    """A whole export, without the outcomes that it cannot date.

    Where it has resolution times, a ticket without one is unsolved to this day. Where it has none at all, a state is of
    the day of the export, and that a ticket is open to this day says what came later: no state and no rating stays.
    """
    if any(each.outcome.resolution is not None for each in contacts):
        return list(contacts)
    return [replace(each, outcome=Outcome(left=each.outcome.left)) for each in contacts]


def as_known(contacts: Iterable[Contact], at: datetime) -> list[Contact]:
    """One customer's contacts up to `at`, with only those outcomes that can be dated and were there by then.

    A ticket was open until its resolution time and solved after it; a rating came with the resolution. A ticket that
    waits without one has always waited. Reopenings, NPS and revenue carry no date and are left out. Use `datable` on
    the whole export first.
    """
    tickets: dict[str, list[Contact]] = {}
    for each in contacts:
        if each.time <= at:
            tickets.setdefault(each.ticket, []).append(each)
    found = []
    for own in tickets.values():
        end = _solved_at(own)
        found += [_with(each, _outcome(each.outcome, end, at)) for each in own]
    return found


def _with(contact: Contact, outcome: Outcome) -> Contact:
    return contact if contact.outcome == outcome else replace(contact, outcome=outcome)


def _solved_at(ticket: Sequence[Contact]) -> datetime | None:
    """The latest that the messages of a ticket say, for its duration may be written beside each of them."""
    spans = [(each.time, each.outcome.resolution) for each in ticket]
    return max((time + timedelta(minutes=span) for time, span in spans if span is not None), default=None)


def _outcome(outcome: Outcome, end: datetime | None, at: datetime) -> Outcome:
    left = outcome.left if outcome.left is not None and outcome.left <= at else None
    if end is None:
        return Outcome(status=outcome.status if outcome.status in WAITING else None, left=left)
    if end > at:
        return Outcome(status=WAITING[0], left=left)
    return Outcome(status=SOLVED, csat=outcome.csat, left=left)
