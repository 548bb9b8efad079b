"""What the routes ask of a message, read back from its row in a scored file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.columns import Roles
from pipeline.output import COLUMNS
from pipeline.records import Decision, Row
from pipeline.route import COLUMN, Rule, route
from pipeline.taxonomy import OUT_OF_SCOPE, Taxonomy

Facts = Mapping[str, tuple[str, ...]]

ONE = ("language", "domain", "category", "topic", "sentiment", "emotion", "urgency", "churn")
SEVERAL = ("review", "flags")
NEEDED = (
    *(f"nabd_{name}" for name in (*ONE, *SEVERAL)),
    *("nabd_queue", "nabd_priority", "nabd_sla_minutes", "nabd_route_reason", "nabd_tags"),
)
_MOST_KEPT = 65_536


def facts(row: Row, roles: Roles, *, band: str = "") -> dict[str, tuple[str, ...]]:
    """The same as `score()` had, and the customer's risk `band` where it is known."""
    found = {name: _if_any(plain(row.values.get(f"nabd_{name}"))) for name in ONE}
    found |= {name: split(row.values.get(f"nabd_{name}")) for name in SEVERAL}
    found["channel"] = _if_any(plain(row.values.get(roles.channel)) if roles.channel else "")
    found["risk"] = _if_any(band)
    found |= {COLUMN + name: (plain(value),) for name, value in row.values.items() if name not in COLUMNS}
    return found


def as_topic(found: Facts, topic: str, table: Taxonomy) -> dict[str, tuple[str, ...]] | None:
    """The facts had the message this topic, all else equal; None for a topic that `table` does not know.

    Category and domain follow from the topic, and a message out of scope has no sentiment and is for review.
    """
    if topic not in table.category_of:
        return None
    category = table.category_of[topic]
    changed: dict[str, tuple[str, ...]] = {
        "topic": (topic,),
        "category": (category,),
        "domain": (table.domain_of[category],),
    }
    review = found["review"]
    if category == OUT_OF_SCOPE:
        changed["sentiment"] = ()
        changed["review"] = review if OUT_OF_SCOPE in review else (*review, OUT_OF_SCOPE)
    elif found["category"] == (OUT_OF_SCOPE,):
        changed["review"] = tuple(reason for reason in review if reason != OUT_OF_SCOPE)
    return {**found, **changed}


class Router:
    """`route()` for many messages: those that agree in all that the rules ask are decided once."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._keys = tuple(dict.fromkeys(key for rule in rules for key in rule.when))
        self._kept: dict[tuple[tuple[str, ...], ...], Decision] = {}

    def __call__(self, found: Facts) -> Decision:
        asked = tuple(found.get(key, ()) for key in self._keys)
        if asked not in self._kept:
            if len(self._kept) == _MOST_KEPT:
                self._kept.clear()
            self._kept[asked] = route(dict(zip(self._keys, asked, strict=True)), self._rules)
        return self._kept[asked]


def plain(value: Any) -> str:
    """A cell as `score()` gives it to the routes."""
    return "" if value is None else str(value)


def split(cell: Any) -> tuple[str, ...]:
    """The values that `;` joins in a cell."""
    return tuple(part for part in plain(cell).split(";") if part)


def _if_any(value: str) -> tuple[str, ...]:
    return (value,) if value else ()
