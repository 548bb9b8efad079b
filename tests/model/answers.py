"""What each shipped bundle must reach, and how a shortfall is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from pipeline.training.behaviour.checks import Floors, Outcome

# A lower floor marks a weakness as measured, that may not grow: Gulf and Maghrebi negation ("مو زينة"),
# a goodbye or a hurry at the end of another matter, in Persian above all; to the student, names.
BUNDLES: Mapping[str, Floors] = {
    "nabd-base": Floors(reviewed=0.6, negation=0.6, churn=0.7, urgency=0.4, names=0.7, kept_sentiment=0.85),
    "nabd-fast": Floors(reviewed=0.6, negation=0.4, churn=0.5, urgency=0.6, names=0.6, kept_sentiment=0.85),
    "nabd-cascade": Floors(reviewed=0.6, negation=0.5, churn=0.5, urgency=0.4, names=0.6, kept_sentiment=0.85),
}


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
