"""The `[[route]]` tables of a settings file -> rules, every fault named with its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.columns.names import one_of
from pipeline.errors import UsageError
from pipeline.language import Language
from pipeline.risk import BANDS
from pipeline.route import COLUMN, FIELDS, PRIORITIES, Rule
from pipeline.routing.coverage import Axis, unreachable
from pipeline.routing.entries import Entry, entries
from pipeline.routing.lines import Document
from pipeline.score import FLAGS, REVIEW_REASONS
from pipeline.taxonomy import DEFAULT, TASKS, Taxonomy

_KINDS = {"name": str, "queue": str, "priority": str, "sla_minutes": int, "when": dict, "tags": list}
OWN = ("topic", "category", "domain")  # what a model may have labels of its own for
_NONE = ""  # stands for no value: no sentiment out of scope, no band of an unknown customer


def parse_rules(tables: Any, document: Document, table: Taxonomy = DEFAULT, *, model: str = "") -> tuple[Rule, ...]:
    """`table` are the labels of `model`.

    Raises UsageError for a rule that cannot be used, asks for a value that is never there, or is never reached.
    """
    read = entries(tables, "route", document)
    labels = _labels(table)
    rules = tuple(_rule(entry, labels, model) for entry in read)
    if not rules or rules[-1].when:
        where = document.at("route", len(rules) - 1)
        raise UsageError(f"{where}: the last [[route]] must have no `when`, so that every message has a queue")
    _refuse_unreachable(read, rules, axes(table))
    return rules


def axes(table: Taxonomy) -> list[Axis]:
    """Every condition on which a message has exactly one value; topic, category and domain follow from one another."""
    labels = _labels(table)
    categories = [table.category_of[topic] for topic in table.topic_ids]
    domains = [table.domain_of[category] for category in categories]
    alone: list[Axis] = [{key: labels[key]} for key in ("language", "emotion", "urgency", "churn")]
    or_none: list[Axis] = [{key: (*labels[key], _NONE)} for key in ("sentiment", "risk")]
    return [{"topic": table.topic_ids, "category": categories, "domain": domains}, *alone, *or_none]


def _rule(entry: Entry, labels: Mapping[str, Sequence[str]], model: str) -> Rule:
    entry.check(_KINDS, needed=("name", "queue", "priority", "sla_minutes"))
    table = entry.table
    if table["priority"] not in PRIORITIES:
        raise entry.error(f"priority {table['priority']!r}, expected one of {', '.join(PRIORITIES)}", "priority")
    if table["sla_minutes"] <= 0:
        raise entry.error(f"sla_minutes is {table['sla_minutes']}, expected more than 0", "sla_minutes")
    when = {key: _values(key, value, entry, labels, model) for key, value in table.get("when", {}).items()}
    tags = tuple(str(tag) for tag in table.get("tags", ()))
    return Rule(table["name"], table["queue"], table["priority"], table["sla_minutes"], when, tags)


def _values(key: str, value: Any, entry: Entry, labels: Mapping[str, Sequence[str]], model: str) -> tuple[str, ...]:
    values = tuple(str(item) for item in value) if isinstance(value, list) else (str(value),)
    if not values:
        raise entry.error(f"{key} lists no value, so this route would never match", "when", key)
    if key.startswith(COLUMN):
        return values
    if key not in FIELDS:
        expected = f'expected one of {", ".join(FIELDS)} or "{COLUMN}NAME"'
        raise entry.error(f"unknown condition {key!r}, {expected}", "when", key)
    for item in values:
        if key in labels and item not in labels[key]:
            by = f" with the model {model}" if model and key in OWN else ""
            raise entry.error(f"{key} is never {item!r}{by}, {one_of(item, labels[key])}", "when", key)
    return values


def _refuse_unreachable(read: Sequence[Entry], rules: Sequence[Rule], axes: Sequence[Axis]) -> None:
    """The last rule must be there, so it may be left with nothing, unless one above it has no condition either."""
    found = unreachable([rule.when for rule in rules[:-1]], axes)
    found |= {len(rules) - 1: (above,) for above, rule in enumerate(rules[:-1]) if not rule.when}
    for index, takers in sorted(found.items()):
        if not takers:
            raise read[index].error("no message fits it: its conditions exclude one another", "when")
        above = " and ".join(read[taker].title for taker in takers)
        takes = "takes" if len(takers) == 1 else "together take"
        raise read[index].error(f"is never reached: {above} {takes} every message that it asks for; move or remove it")


def _labels(table: Taxonomy) -> dict[str, tuple[str, ...]]:
    """The values of every condition that has a fixed set of them."""
    return {
        "language": tuple(language.value for language in Language),
        "domain": tuple(dict.fromkeys(table.domain_of.values())),
        "category": table.category_ids,
        **{task: table.labels(task) for task in TASKS},
        "risk": BANDS,
        "review": REVIEW_REASONS,
        "flags": FLAGS,
    }
