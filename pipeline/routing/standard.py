"""Routes for labels that nobody wrote routes for: Nabd's own where they hold, then a queue a label or a category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.route import Rule
from pipeline.routing.coverage import unreachable
from pipeline.routing.rules import OWN, axes
from pipeline.taxonomy import OUT_OF_SCOPE, Taxonomy

PRIORITY, SLA_MINUTES = "normal", 480  # of a label's own route, for the user to change


def standard_rules(
    shipped: Sequence[Rule], table: Taxonomy, queues: Mapping[str, str] | None = None
) -> tuple[Rule, ...]:
    """Routes that give every label of `table` a queue; `shipped` as it is where that already does.

    `queues` is topic -> queue. A category with a topic that neither it nor `shipped` knows has a queue of its own name.
    In order: Nabd's routes down to the last that asks for no label, those of `queues`, Nabd's others, those of the
    categories left, and the last of Nabd's. What asks for labels that are not there, or is never reached, is left out.
    """
    given = queues or {}
    fitting = [rule for rule in shipped[:-1] if _holds(rule, table)]
    first = 1 + max((place for place, rule in enumerate(fitting) if not _asked(rule)), default=-1)
    served = {("topic", OUT_OF_SCOPE), *(("topic", topic) for topic in given)}.union(*map(_asked, fitting))
    lines = [(topic, category, table.domain_of[category]) for topic, category in table.category_of.items()]
    left = {line[1]: line[1] for line in lines if served.isdisjoint(zip(OWN, line, strict=True))}
    rules = [
        *fitting[:first], *_by_queue("topic", table.topic_ids, given), *fitting[first:],
        *_by_queue("category", table.category_ids, left),
    ]  # fmt: skip
    lost = unreachable([rule.when for rule in rules], axes(table))
    return (*(rule for place, rule in enumerate(rules) if place not in lost), shipped[-1])


def _by_queue(task: str, labels: Sequence[str], queues: Mapping[str, str]) -> list[Rule]:
    """One a queue, with all its labels."""
    found: dict[str, list[str]] = {}
    for label in labels:
        if label in queues:
            found.setdefault(queues[label], []).append(label)
    return [Rule(queue, queue, PRIORITY, SLA_MINUTES, {task: tuple(each)}) for queue, each in found.items()]


def _asked(rule: Rule) -> set[tuple[str, str]]:
    """The labels in scope that it asks for, each with its level: a topic may be called as a category is."""
    return {(key, value) for key in OWN for value in rule.when.get(key, ()) if value != OUT_OF_SCOPE}


def _holds(rule: Rule, table: Taxonomy) -> bool:
    known = {"topic": table.topic_ids, "category": table.category_ids, "domain": tuple(table.domain_of.values())}
    return all(set(values) <= set(known[key]) for key, values in rule.when.items() if key in known)
