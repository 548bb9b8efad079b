"""The `[[queue]]` tables of a settings file: how many messages an hour each queue can handle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.route import Rule
from pipeline.routing.entries import entries
from pipeline.routing.lines import Document


@dataclass(frozen=True, slots=True)
class Queue:
    """`per_hour` is how many messages it handles in an hour, day and night."""

    name: str
    per_hour: int


def parse_queues(tables: Any, document: Document, rules: Sequence[Rule]) -> tuple[Queue, ...]:
    """Raises UsageError for a capacity that cannot be used, or of a queue that no route leads to."""
    known = dict.fromkeys(rule.queue for rule in rules)
    found: dict[str, Queue] = {}
    for entry in entries(tables, "queue", document):
        entry.check({"name": str, "per_hour": int}, needed=("name", "per_hour"))
        name, per_hour = entry.table["name"], entry.table["per_hour"]
        if name not in known:
            raise entry.error(f"no route leads to {name!r}, expected one of {', '.join(known)}", "name")
        if name in found:
            raise entry.error(f"{name!r} has a capacity already; keep one of the two", "name")
        if per_hour < 1:
            raise entry.error(f"per_hour is {per_hour}, expected 1 or more", "per_hour")
        found[name] = Queue(name, per_hour)
    return tuple(found.values())
