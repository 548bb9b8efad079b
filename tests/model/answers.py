"""What each shipped bundle must reach, what it answered, and how a shortfall is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pytest

from pipeline.bundle import Bundle
from pipeline.records import Scored
from pipeline.route import Rule

RULES = (Rule("all", "desk", "normal", 60),)


@dataclass(frozen=True, slots=True)
class Floors:
    """The least share (0 to 1) of cases that hold, but for the bounds whose line says otherwise."""

    topic: float = 0.7  # of the clear messages of a language
    category: float = 0.8
    sentiment: float = 0.8
    parity: float = 0.15  # at most: category accuracy of the best language less that of another
    answered: float = 0.5  # of the clear messages of a language, without a person
    kept: float = 0.9  # category, of the rewritten messages; by rewrite and by language
    kept_sentiment: float = 0.9
    kept_topic: float = 0.85
    moved: float = 0.1  # at most: mean absolute change of the category's probability, by rewrite
    negation: float = 0.8  # of a language's pairs
    fall: float = 0.3  # at least: how far the sentiment score falls where the label stays
    churn: float = 0.9  # of the messages of a language that say goodbye
    urgency: float = 0.9  # of those that hurry
    rise: float = 0.02  # at least: of the probability of churn or of high urgency
    names: float = 0.95  # of the messages with another name
    name_moved: float = 0.15  # at most: change of any probability of category and sentiment
    reviewed: float = 0.8  # of the messages that are no business of a company
    noise: float = 1e-3  # at most: what a batch does to a probability; measured 1e-6


# A lower floor marks a weakness as measured, that may not grow: Gulf and Maghrebi negation ("مو زينة"),
# a goodbye or a hurry at the end of another matter, in Persian above all; to the student, names.
BUNDLES: Mapping[str, Floors] = {
    "nabd-base": Floors(reviewed=0.6, negation=0.6, churn=0.7, urgency=0.4, names=0.7, kept_sentiment=0.85),
    "nabd-fast": Floors(reviewed=0.6, negation=0.4, churn=0.5, urgency=0.6, names=0.6, kept_sentiment=0.85),
    "nabd-cascade": Floors(reviewed=0.6, negation=0.5, churn=0.5, urgency=0.4, names=0.6, kept_sentiment=0.85),
}

Outcome = tuple[bool, str]


@dataclass(frozen=True)
class Answers:
    """What one bundle made of every text of these tests, in one call."""

    bundle: Bundle
    floors: Floors
    found: Mapping[str, Scored]

    def __getitem__(self, text: str) -> Scored:
        return self.found[text]


def require(least: float, outcomes: Iterable[tuple[str, Outcome]]) -> None:
    """Fails when the share of a group is below `least`: with a table of all, and the cases that this group missed."""
    groups: dict[str, list[Outcome]] = {}
    for group, outcome in outcomes:
        groups.setdefault(group, []).append(outcome)
    assert groups, "no case was tried"
    shares = {group: sum(held for held, _ in found) / len(found) for group, found in groups.items()}
    if min(shares.values()) >= least:
        return
    rows = [
        (group, f"{shares[group]:.2f}", f"{len(groups[group])}", "" if shares[group] >= least else "too few")
        for group in groups
    ]
    short = {group: found for group, found in groups.items() if shares[group] < least}
    missed = [f"  {group}: {line}" for group, found in short.items() for held, line in found if not held]
    pytest.fail("\n".join([table(("group", "held", "of", f"least {least}"), rows), *missed]), pytrace=False)


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def change(base: Mapping[str, float], other: Mapping[str, float]) -> float:
    """The largest absolute difference of two tables of probabilities."""
    return max(abs(base[label] - other[label]) for label in base)
