"""Emerging issues as a table for people, and as one JSON object."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.emerging.find import Emerging
from pipeline.emerging.growth import Growth
from pipeline.emerging.issues import Issue

_ISOLATE, _END = "\u2068", "\u2069"  # right-to-left words keep their order and disturb no other


def to_json(found: Emerging) -> str:
    """One line; an infinite ratio, of what there was none of before, is null."""
    content = {
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "messages": found.messages,
        "earlier": found.earlier,
        "note": found.note,
        "issues": [_fields(issue) for issue in found.issues],
    }
    return json.dumps(content, ensure_ascii=False)


def print_emerging(found: Emerging, console: Console) -> None:
    """A row an issue, those that emerge in bold; then how they were found, or why there are none."""
    if found.issues:
        table = Table("Issue", "Messages", "Expected", "Growth", "q", "Topic", "Examples", box=None, pad_edge=False)
        for column in table.columns[1:3]:
            column.justify = "right"
        for issue in found.issues:
            table.add_row(*_cells(issue), style="bold" if issue.is_emerging else "")
        console.print(table, "")
    period = f"{found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M}"
    console.print(f"{period}: {found.messages:,} messages, {found.earlier:,} from before", soft_wrap=True)
    console.print(found.note, soft_wrap=True)


def growth_text(growth: Growth | None) -> str:
    """The ratio and its interval: "4.1 [2.2, 7.2]"; "unknown" without one."""
    if growth is None:
        return "unknown"
    ratio, low, high = (f"{value:.1f}" if math.isfinite(value) else "∞" for value in _ratios(growth))
    return f"{ratio} [{low}, {high}]"


def _cells(issue: Issue) -> tuple[Text, ...]:
    terms = ", ".join(f"{_ISOLATE}{term}{_END}" for term in issue.terms) or "(no term of three customers)"
    cells = (
        f"{'* ' if issue.is_emerging else '  '}{terms}",
        f"{issue.size:,}",
        "" if issue.expected is None else f"{issue.expected:,.1f}",
        growth_text(issue.growth),
        "" if issue.growth is None else f"{issue.growth.q_value:.2g}",
        next(iter(issue.topics), ""),
        " ".join(_printable(each) for each in issue.examples),
    )
    return tuple(map(Text, cells))


def _fields(issue: Issue) -> dict[str, object]:
    growth = issue.growth
    return asdict(issue) | {
        "emerging": issue.is_emerging,
        "first_seen": issue.first_seen.isoformat(),
        "growth": growth and {name: _finite(value) for name, value in asdict(growth).items()},
    }


def _ratios(growth: Growth) -> tuple[float, float, float]:
    return growth.ratio, growth.low, growth.high


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _printable(text: str) -> str:
    """Without what an id from a file could steer a terminal by."""
    return "".join(letter for letter in text if letter.isprintable())
