"""What the helpdesk exports have in common: tickets with messages, and people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pipeline.records import Values

COLUMNS = ("id", "thread", "customer", "time", "channel", "subject", "text")


@dataclass(frozen=True, slots=True)
class Side:
    """Lists that stand beside the tickets: users by id, comments by ticket id."""

    users: Mapping[str, Values] = field(default_factory=dict)
    comments: Mapping[str, list[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a ticket: a row of a customer's, or the reason why it is left out."""

    skipped: str | None
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vendor:
    """How to know a helpdesk's ticket and how to take it apart."""

    name: str
    matches: Callable[[Values], bool]
    turns: Callable[[Values, Side], Iterator[Turn]]


def row(ticket: Values, consumed: frozenset[str], **known: Any) -> Turn:
    """The seven common columns, then the ticket's other fields; a clashing name becomes `ticket_<name>`."""
    values: dict[str, Any] = {name: known.get(name) for name in COLUMNS}
    for name, value in ticket.items():
        if name not in consumed:
            values[f"ticket_{name}" if name in values else name] = value
    return Turn(None, values)


def as_list(value: Any) -> list[Any]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def as_object(value: Any) -> Values:
    return value if isinstance(value, dict) else {}


def as_id(value: Any) -> str | None:
    return None if value is None else str(value)


def first_text(*values: Any) -> str:
    """The first value that is text and not blank."""
    return next((value for value in values if isinstance(value, str) and value.strip()), "")


def person(user: Values, fallback: Any) -> str | None:
    """Who the customer is: e-mail address, else id, else name."""
    return first_text(user.get("email")) or as_id(fallback) or first_text(user.get("name")) or None


def iso_time(value: Any) -> Any:
    """Unix seconds as ISO 8601 in UTC; anything else as it is."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC).isoformat()
    return value
