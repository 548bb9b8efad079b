"""What the desk recorded beside each message, column by column, because a column's scale shows only in the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline.columns.times import times
from pipeline.history.scales import minutes, number, satisfaction, state
from pipeline.records import Outcome, Row

SHOWN = 5


def outcomes(rows: Sequence[Row], desk: Mapping[str, str], moments: Sequence[datetime | None]) -> list[Outcome]:
    """One a row; `desk` names the column of each role that the file has, `moments` are the rows' own times."""

    def column(role: str) -> list[Any]:
        return [row.values.get(desk[role]) for row in rows] if role in desk else [None] * len(rows)

    spans = {
        role: minutes(desk.get(role, ""), column(role), moments) if role in desk else column(role)
        for role in ("first_response", "resolution")
    }
    ready = zip(
        map(state, column("status")), spans["first_response"], spans["resolution"], satisfaction(column("csat")),
        map(_nps, column("nps")), map(_number, column("revenue")), map(_text, column("stage")),
        map(_text, column("group")), times(column("left")), strict=True,
    )  # fmt: skip
    return [Outcome(*values) for values in ready]


def unknown_states(rows: Sequence[Row], column: str | None) -> list[str]:
    """A note on the values of the status column that say none of the four states."""
    values = Counter(str(value) for row in rows if column and (value := row.values.get(column)) not in (None, ""))
    unknown = [f"{value!r} ({count:,})" for value, count in values.most_common() if state(value) is None]
    more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
    said = ", ".join(unknown[:SHOWN])
    return [f"column {column!r}: not taken for a ticket's status: {said}{more}"] if unknown else []


def _number(value: Any) -> float | None:
    return None if value in (None, "") else number(value)


def _nps(value: Any) -> float | None:
    found = _number(value)
    return found if found is not None and 0 <= found <= 10 else None


def _text(value: Any) -> str | None:
    return None if value in (None, "") else str(value).strip()
