"""A scored message -> queue, priority, SLA and reason: a table of rules, first match wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import UsageError
from pipeline.records import Decision

FIELDS = ("language", "domain", "category", "topic", "sentiment", "emotion", "urgency", "churn", "review", "flags")
PRIORITIES = ("urgent", "high", "normal", "low")
COLUMN = "column:"  # a condition on an input column: "column:plan" = "gold"


@dataclass(frozen=True, slots=True)
class Rule:
    """`when` maps a field to the values that satisfy it; every condition must hold, and no condition always does."""

    name: str
    queue: str
    priority: str
    sla_minutes: int
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    def matches(self, facts: Mapping[str, Sequence[str]]) -> bool:
        return all(set(wanted).intersection(facts.get(key, ())) for key, wanted in self.when.items())


def route(facts: Mapping[str, Sequence[str]], rules: Sequence[Rule]) -> Decision:
    """`facts` are the values of each field of one message; the last rule must match everything."""
    for rule in rules:
        if rule.matches(facts):
            matched = [f"{key}={','.join(v for v in facts[key] if v in wanted)}" for key, wanted in rule.when.items()]
            reason = f"{rule.name}: {' and '.join(matched) or 'no earlier rule matched'}"
            return Decision(rule.queue, rule.priority, rule.sla_minutes, reason, rule.tags)
    raise UsageError("no route matched; end the table of routes with one that has no `when`")


def parse_rules(tables: Any, source: str, labels: Mapping[str, Sequence[str]]) -> tuple[Rule, ...]:
    """The `[[route]]` tables of a settings file, whose name and lines errors quote.

    `labels` are the values a field can take; a value outside them is an error, for it would never match.
    """
    if not isinstance(tables, list):
        raise UsageError(f"{source}: expected tables written as [[route]], found {type(tables).__name__}")
    rules = [_parse(table, f"{source}, route {number}", labels) for number, table in enumerate(tables, 1)]
    if not rules or rules[-1].when:
        raise UsageError(f"{source}: the last [[route]] must have no `when`, so that every message has a queue")
    for number, rule in enumerate(rules[:-1], 1):
        if not rule.when:
            raise UsageError(
                f"{source}, route {number} ({rule.name!r}) matches everything: the routes below it are never reached"
            )
    return tuple(rules)


def _parse(table: Any, where: str, labels: Mapping[str, Sequence[str]]) -> Rule:
    known = {"name": str, "queue": str, "priority": str, "sla_minutes": int, "when": dict, "tags": list}
    if not isinstance(table, Mapping):
        raise UsageError(f"{where}: expected a table written as [[route]], found {type(table).__name__}")
    where = f"{where} ({table.get('name', 'unnamed')!r})"
    for key, value in table.items():
        if key not in known:
            raise UsageError(f"{where}: unknown key {key!r}, expected one of {', '.join(known)}")
        if not isinstance(value, known[key]) or isinstance(value, bool):
            raise UsageError(f"{where}: {key} must be {known[key].__name__}, found {type(value).__name__}")
    missing = [key for key in ("name", "queue", "priority", "sla_minutes") if key not in table]
    if missing:
        raise UsageError(f"{where}: {', '.join(missing)} missing")
    if table["priority"] not in PRIORITIES:
        raise UsageError(f"{where}: priority {table['priority']!r}, expected one of {', '.join(PRIORITIES)}")
    if table["sla_minutes"] <= 0:
        raise UsageError(f"{where}: sla_minutes is {table['sla_minutes']}, expected more than 0")
    when = {key: _values(key, value, where, labels) for key, value in table.get("when", {}).items()}
    tags = tuple(str(tag) for tag in table.get("tags", ()))
    return Rule(table["name"], table["queue"], table["priority"], table["sla_minutes"], when, tags)


def _values(key: str, value: Any, where: str, labels: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    values = tuple(str(item) for item in value) if isinstance(value, list) else (str(value),)
    if not values:
        raise UsageError(f"{where}: {key} lists no value, so this route would never match")
    if key.startswith(COLUMN):
        return values
    if key not in FIELDS:
        raise UsageError(f'{where}: unknown condition {key!r}, expected one of {", ".join(FIELDS)} or "{COLUMN}NAME"')
    for item in values:
        if key in labels and item not in labels[key]:
            raise UsageError(f"{where}: {key} is never {item!r}, expected one of {', '.join(labels[key])}")
    return values
