"""What a scored file holds, counted as it goes by, and the table that says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.records import Scored

LIMIT = 10  # rows of a column of the table; the rest are one line


FIELDS: dict[str, Callable[[Scored], str]] = {
    "Category": lambda each: each.category.label,
    "Sentiment": lambda each: each.sentiment.label if each.sentiment else "none",
    "Language": lambda each: each.language,
    "Queue": lambda each: each.decision.queue,
}


@dataclass
class Summary:
    """Counts over scored messages; `counts` is by field, then by label."""

    rows: int = 0
    rejected: int = 0
    review: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in FIELDS})

    def add(self, scored: Sequence[Scored], *, rejected: int = 0) -> None:
        self.rows += len(scored)
        self.rejected += rejected
        for each in scored:
            self.review += bool(each.review)
            for name, pick in FIELDS.items():
                self.counts[name][pick(each)] += 1

    def render(self) -> RenderableType:
        """Counts side by side, and a line on what a person should look at."""
        side_by_side = Table.grid(padding=(0, 3, 0, 0))
        side_by_side.add_row(*(_table(name, self.counts[name]) for name in FIELDS))
        share = self.review / self.rows if self.rows else 0.0
        note = f"{self.rows:,} scored, {self.review:,} ({share:.0%}) for a person to review, {self.rejected:,} rejected"
        return Group(side_by_side, Text(), Text(note))

    def print(self, console: Console) -> None:
        console.print(self.render())


def _table(name: str, counts: Counter[str]) -> Table:
    table = Table(name, "", box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.columns[0].no_wrap = True
    table.columns[1].justify = "right"
    ranked = counts.most_common()
    for label, count in ranked[:LIMIT]:
        table.add_row(label, f"{count:,}")
    if rest := sum(count for _, count in ranked[LIMIT:]):
        table.add_row(f"{len(ranked) - LIMIT} more", f"{rest:,}")
    return table
