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
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
        for name in FIELDS:
            table.add_column(name, no_wrap=True)
            table.add_column("", justify="right", no_wrap=True)
        columns = [_lines(self.counts[name]) for name in FIELDS]
        for index in range(max(map(len, columns))):
            table.add_row(*(cell for lines in columns for cell in (lines[index] if index < len(lines) else ("", ""))))
        share = self.review / self.rows if self.rows else 0.0
        note = f"{self.rows:,} scored, {self.review:,} ({share:.0%}) for a person to review, {self.rejected:,} rejected"
        return Group(table, Text(), Text(note))

    def print(self, console: Console) -> None:
        console.print(self.render())


def _lines(counts: Counter[str]) -> list[tuple[str, str]]:
    ranked = counts.most_common()
    lines = [(label, f"{count:,}") for label, count in ranked[:LIMIT]]
    if rest := sum(count for _, count in ranked[LIMIT:]):
        lines.append((f"{len(ranked) - LIMIT} more", f"{rest:,}"))
    return lines
