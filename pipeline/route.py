"""A scored message -> queue, priority, SLA and reason: a table of rules, first match wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.errors import UsageError
from pipeline.records import Decision

FIELDS = (
    "language", "domain", "category", "topic", "sentiment", "emotion", "urgency", "churn", "risk", "channel", "review",
    "flags",
)  # fmt: skip
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
        for key, wanted in self.when.items():
            for value in facts.get(key, ()):
                if value in wanted:
                    break
            else:
                return False
        return True


def route(facts: Mapping[str, Sequence[str]], rules: Sequence[Rule]) -> Decision:
    """`facts` are the values of each field of one message; the last rule must match everything."""
    for rule in rules:
        if rule.matches(facts):
            matched = [f"{key}={','.join(v for v in facts[key] if v in wanted)}" for key, wanted in rule.when.items()]
            reason = f"{rule.name}: {' and '.join(matched) or 'no earlier rule matched'}"
            return Decision(rule.queue, rule.priority, rule.sla_minutes, reason, rule.tags)
    raise UsageError("no route matched; end the table of routes with one that has no `when`")
