"""Zendesk Support tickets: JSON export, incremental export and API pages.

Shape: https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/ and .../ticket_comments/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.readers.helpdesk.shape import Side, Turn, Vendor, as_id, as_list, as_object, first_text, person, row
from pipeline.records import Values

_CONSUMED = frozenset({"id", "subject", "raw_subject", "description", "comments", "comment", "created_at", "via"})
_STAFF = ("agent", "admin", "system")


def _matches(ticket: Values) -> bool:
    by_api = "requester_id" in ticket and isinstance(ticket.get("via"), dict)
    return by_api or (isinstance(ticket.get("requester"), dict) and isinstance(ticket.get("comments"), list))


def _turns(ticket: Values, side: Side) -> Iterator[Turn]:
    comments = as_list(ticket.get("comments")) or side.comments.get(str(ticket.get("id")), [])
    if not comments:
        yield _opening(ticket, side)
    for comment in comments:
        yield _turn(ticket, comment, side)


def _opening(ticket: Values, side: Side) -> Turn:
    """A ticket without its comments: the description is the requester's first message."""
    text = first_text(ticket.get("description"))
    if not text:
        return Turn("empty")
    opening = {"id": ticket.get("id"), "created_at": ticket.get("created_at"), "author_id": _requester(ticket)}
    return _row(ticket, opening, text, side)


def _turn(ticket: Values, comment: Values, side: Side) -> Turn:
    if comment.get("public") is False:
        return Turn("private note")
    author = comment.get("author_id")
    role = _user(ticket, author, side).get("role")
    if author == -1 or role == "system":
        return Turn("system message")
    if role in _STAFF or (role is None and str(author) not in _customers(ticket)):
        return Turn("agent message")
    text = first_text(comment.get("plain_body"), comment.get("body"), comment.get("html_body"))
    return _row(ticket, comment, text, side) if text else Turn("empty")


def _row(ticket: Values, comment: Values, text: str, side: Side) -> Turn:
    author = comment.get("author_id")
    via = as_object(comment.get("via")) or as_object(ticket.get("via"))
    return row(
        ticket,
        _CONSUMED,
        id=as_id(comment.get("id")),
        thread=as_id(ticket.get("id")),
        customer=person(_user(ticket, author, side), author),
        time=comment.get("created_at") or ticket.get("created_at"),
        channel=via.get("channel"),
        subject=ticket.get("subject") or ticket.get("raw_subject"),
        text=text,
    )


def _requester(ticket: Values) -> Any:
    return ticket.get("requester_id") or as_object(ticket.get("requester")).get("id")


def _customers(ticket: Values) -> set[str]:
    copied = [*(ticket.get("collaborator_ids") or []), *(ticket.get("email_cc_ids") or [])]
    return {str(one) for one in (_requester(ticket), *copied)}


def _user(ticket: Values, author: Any, side: Side) -> Values:
    requester = as_object(ticket.get("requester"))
    if requester and requester.get("id") == author:
        return requester
    return side.users.get(str(author), {})


ZENDESK = Vendor("Zendesk", _matches, _turns)
