"""Freshdesk tickets: API v2 with conversations, and the account export's `helpdesk_ticket` objects with notes.

Shape: https://developers.freshdesk.com/api/#tickets and #conversations
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.readers.helpdesk.shape import Side, Turn, Vendor, as_id, as_list, as_object, first_text, person, row
from pipeline.records import Values

_CONSUMED = frozenset(
    {"id", "display_id", "subject", "description", "description_text", "description_html", "conversations", "notes"}
    | {"created_at", "source", "source_name", "requester"}
)
_OUTBOUND = 10
_CHANNELS = {
    1: "email", 2: "portal", 3: "phone", 4: "forum", 5: "twitter", 6: "facebook", 7: "chat", 9: "feedback widget",
    10: "outbound email",
}  # fmt: skip


def _matches(ticket: Values) -> bool:
    if "helpdesk_ticket" in ticket:
        return True
    described = "description_text" in ticket or "conversations" in ticket
    return "requester_id" in ticket and described and not isinstance(ticket.get("via"), dict)


def _turns(record: Values, side: Side) -> Iterator[Turn]:
    ticket = as_object(record.get("helpdesk_ticket")) or record
    yield _opening(ticket, side)
    notes = as_list(ticket.get("conversations")) or as_list(ticket.get("notes"))
    for note in notes:
        yield _turn(ticket, as_object(note.get("note")) or as_object(note.get("helpdesk_note")) or note, side)


def _opening(ticket: Values, side: Side) -> Turn:
    if ticket.get("source") == _OUTBOUND:
        return Turn("agent message")
    text = first_text(ticket.get("description_text"), ticket.get("description"), ticket.get("description_html"))
    message = {"id": _number(ticket), "created_at": ticket.get("created_at"), "user_id": ticket.get("requester_id")}
    return _row(ticket, message, text, side) if text else Turn("empty")


def _turn(ticket: Values, note: Values, side: Side) -> Turn:
    if not note.get("incoming"):
        return Turn("private note" if note.get("private") else "agent message")
    text = first_text(note.get("body_text"), note.get("body"), note.get("body_html"))
    return _row(ticket, note, text, side) if text else Turn("empty")


def _row(ticket: Values, message: Values, text: str, side: Side) -> Turn:
    author = message.get("user_id") or ticket.get("requester_id")
    return row(
        ticket,
        _CONSUMED,
        id=as_id(message.get("id")),
        thread=as_id(_number(ticket)),
        customer=person(_user(ticket, author, side), author),
        time=message.get("created_at"),
        channel=ticket.get("source_name") or _CHANNELS.get(ticket.get("source", 0), as_id(ticket.get("source"))),
        subject=ticket.get("subject"),
        text=text,
    )


def _number(ticket: Values) -> Any:
    return ticket.get("display_id") or ticket.get("id")


def _user(ticket: Values, author: Any, side: Side) -> Values:
    requester = as_object(ticket.get("requester"))
    if requester and author in (requester.get("id"), ticket.get("requester_id")):
        return requester
    return side.users.get(str(author), {})


FRESHDESK = Vendor("Freshdesk", _matches, _turns)
