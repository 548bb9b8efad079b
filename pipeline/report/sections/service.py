"""Service measures, each with its formula and n, where the export has the columns."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.history.threads import Ticket
from pipeline.report.blocks import Cell, Note, Section, Table, num
from pipeline.report.estimates import Estimate, median, promoters, share, shown_minutes, shown_number, shown_share
from pipeline.report.view import View

SATISFIED = 0.75  # of the scale: 4 of 5


def service(view: View) -> Section:
    words = view.words
    rows = [
        [Cell(words(key)), Cell(words(f"{key}_formula")), num(said), num(view.locale.number(n))]
        for key, said, n in _measures(view)
    ]
    if not rows:
        return Section("service", words("service"), (Note(words("no_service")),))
    header = [words(key) for key in ("measure", "formula", "result", "n")]
    return Section("service", words("service"), (Table(words("service"), header, rows),))


def _measures(view: View) -> Iterator[tuple[str, str, int]]:
    """Key, what it came to, from how many."""
    locale, tickets = view.locale, view.tickets
    for key in ("first_response", "resolution"):
        if found := median(_first_values(tickets, key)):
            yield key, shown_minutes(found, locale), found.n
    states = [ticket.status for ticket in tickets]
    again = states.count("reopened")
    if found := share(again, again + states.count("solved")):
        yield "reopen_rate", shown_share(found, locale), found.n
    pleased = _first_values(tickets, "csat")
    if found := share(sum(value >= SATISFIED for value in pleased), len(pleased)):
        yield "csat", shown_share(found, locale), found.n
    if found := _nps(view):
        yield "nps", shown_number(found, locale, 0), found.n


def _nps(view: View) -> Estimate | None:
    """Each customer's last answer counts."""
    last = {c.customer or c.id: c.outcome.nps for c in view.contacts if c.outcome.nps is not None}
    return promoters(list(last.values()))


def _first_values(tickets: list[Ticket], key: str) -> list[float]:
    """One value a ticket: exports repeat a ticket's figures on each of its messages."""
    found = (
        next((v for c in ticket.contacts if (v := getattr(c.outcome, key)) is not None), None) for ticket in tickets
    )
    return [value for value in found if value is not None]
