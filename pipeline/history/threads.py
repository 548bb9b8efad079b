"""Messages of one ticket joined: by the ticket's id, or by the references of e-mail (RFC 5322, 3.6.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from pipeline.columns.names import fold
from pipeline.records import Contact, Row

FIRM = 0.25  # a change of polarity, in [-2, 2], that is more than a model's wavering
_REFERENCE = re.compile(r"<[^<>\s]+>")


@dataclass(frozen=True, slots=True)
class Ticket:
    """The customer's messages of one ticket, in time order; its state is what the last of them says.

    `trajectory` compares the last message's polarity with the first's: better, worse or same.
    """

    id: str
    contacts: tuple[Contact, ...]

    @property
    def last(self) -> Contact:
        return self.contacts[-1]

    @property
    def status(self) -> str | None:
        """The last state that the desk recorded."""
        return next((each.outcome.status for each in reversed(self.contacts) if each.outcome.status), None)

    @property
    def trajectory(self) -> str:
        moods = [each.polarity for each in self.contacts if each.sentiment]
        change = moods[-1] - moods[0] if moods else 0.0
        return "better" if change > FIRM else "worse" if change < -FIRM else "same"


def threads(contacts: Iterable[Contact]) -> list[Ticket]:
    """Every ticket of a history, in the order of their last messages; contacts of one time keep their order."""
    ordered = sorted(contacts, key=lambda each: (each.customer, each.ticket, each.time))
    found = [
        Ticket(ticket, tuple(group))
        for (_, ticket), group in groupby(ordered, key=lambda each: (each.customer, each.ticket))
    ]
    return sorted(found, key=lambda ticket: (ticket.last.time, ticket.id))


def tickets(rows: Sequence[Row], id_column: str | None, ticket_column: str | None) -> list[str]:
    """The ticket of each row: its own column, else the e-mail conversation, else the message itself."""
    by_mail = _conversations(rows) if ticket_column is None else {}
    found = []
    for row in rows:
        named = row.values.get(ticket_column) if ticket_column else by_mail.get(row.number)
        own = row.values.get(id_column) if id_column else None
        found.append(str(next((each for each in (named, own) if each not in (None, "")), f"row {row.number}")))
    return found


def _conversations(rows: Sequence[Row]) -> dict[int, str]:
    """Row number -> the message id that its conversation goes by; empty where the file is no mail."""
    columns = {fold(name): name for name in rows[0].values} if rows else {}
    wanted = [columns.get(fold(name)) for name in ("message_id", "in_reply_to", "references")]
    if wanted[0] is None or not any(wanted[1:]):
        return {}
    parent: dict[str, str] = {}
    first: dict[int, str] = {}
    for row in rows:
        ids = list(_ids(row.values.get(name) for name in wanted if name))
        for other in ids[1:]:
            _join(parent, ids[0], other)
        if ids:
            first[row.number] = ids[0]
    return {number: _root(parent, own) for number, own in first.items()}


def _ids(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        yield from _REFERENCE.findall(str(value or ""))


def _join(parent: dict[str, str], one: str, other: str) -> None:
    roots = sorted((_root(parent, one), _root(parent, other)))
    parent[roots[1]] = roots[0]


def _root(parent: dict[str, str], each: str) -> str:
    while (above := parent.setdefault(each, each)) != each:
        parent[each] = each = parent[above] = parent.get(above, above)
    return each
