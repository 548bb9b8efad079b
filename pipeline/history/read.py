"""A scored file -> contacts in time order; a row without a time that can be read is a reject, with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.columns import Roles, find_roles
from pipeline.columns.desk import DESK, find_desk
from pipeline.columns.names import fold
from pipeline.columns.roles import find_given
from pipeline.columns.times import times
from pipeline.errors import ColumnError, UsageError
from pipeline.history.contact import contact
from pipeline.history.outcome import outcomes, unknown_states
from pipeline.history.scales import is_outbound
from pipeline.history.threads import tickets
from pipeline.readers import open_source
from pipeline.records import Contact, Reject, Row

SAMPLE = 200
NEEDED = ("nabd_category", "nabd_topic", "nabd_sentiment", "nabd_emotion", "nabd_churn_probability", "nabd_model")


@dataclass(frozen=True, slots=True)
class History:
    """`contacts` in time order, equal times in the order of the file; `notes` are lines to tell the user.

    `found` is the column of each role, `columns` are all of the file's. `synthetic`: the file says so of itself.
    """

    contacts: list[Contact]
    rejects: list[Reject]
    notes: list[str]
    found: Mapping[str, str]
    columns: tuple[str, ...]
    synthetic: bool = False


def read_history(path: str, *, columns: Mapping[str, str | None] | None = None) -> History:
    """`columns` names the column of a role where it cannot be found by itself: text, customer, time, id, or of `DESK`.

    Raises UsageError for a file that `nabd score` did not write, ColumnError for one without a column of times.
    """
    given = {role: name for role, name in (columns or {}).items() if name is not None}
    with open_source(path) as source:
        _scored(source.columns, path)
        roles = find_roles(source.columns, source.sample(SAMPLE), **{k: v for k, v in given.items() if k not in DESK})
        if roles.time is None:
            raise ColumnError(f"no column of {path} holds times; name it with --time COLUMN")
        desk = {role: find_given(source.columns, role, name) for role, name in given.items() if role in DESK}
        found = find_desk(source.columns, named=desk)
        items = list(source)
    rows = [item for item in items if isinstance(item, Row)]
    rejects = [item for item in items if isinstance(item, Reject)]
    return _history(rows, rejects, roles, found, source.columns)


def _scored(columns: Sequence[str], path: str) -> None:
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise UsageError(f"{path} has no column {missing[0]}: it is not scored yet; run `nabd score {path} -o ...`")


def _history(
    rows: Sequence[Row], rejects: list[Reject], roles: Roles, desk: Mapping[str, str], columns: tuple[str, ...]
) -> History:
    kept, notes = _inbound(rows, desk.get("direction"))
    time = str(roles.time)
    moments = times([row.values.get(time) for row in kept])
    joined = tickets(kept, roles.id, desk.get("ticket"))
    facts = outcomes(kept, desk, moments)
    contacts = []
    for row, moment, ticket, outcome in zip(kept, moments, joined, facts, strict=True):
        if moment is None:
            what = f"row {row.number}: column {time!r} holds {str(row.values.get(time))[:40]!r}"
            rejects.append(Reject(row.number, f"{what}, expected a date, such as 2026-10-31T14:05", row.values))
        else:
            contacts.append(contact(row, roles, moment, ticket, outcome))
    contacts.sort(key=lambda each: each.time)
    named = {role: name for role in ("text", "customer", "time", "id", "channel") if (name := getattr(roles, role))}
    notes += unknown_states(kept, desk.get("status"))
    return History(contacts, rejects, notes, named | dict(desk), columns, _is_synthetic(kept))


def _inbound(rows: Sequence[Row], direction: str | None) -> tuple[list[Row], list[str]]:
    """The customers' own messages, and a note on how many were not theirs."""
    if direction is None:
        return list(rows), []
    kept = [row for row in rows if not is_outbound(row.values.get(direction))]
    left_out = len(rows) - len(kept)
    return kept, [f"{left_out:,} messages of the desk left out (column {direction!r})"] if left_out else []


def _is_synthetic(rows: Sequence[Row]) -> bool:
    name = next((name for name in rows[0].values if fold(name) == "synthetic"), None) if rows else None
    return name is not None and all(fold(str(row.values.get(name))) in ("yes", "true", "1") for row in rows)
