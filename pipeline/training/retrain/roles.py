"""Which column holds the label, and which hold sentiment, emotion, urgency and churn in our own labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.columns.names import fold, folded, labels_in
from pipeline.errors import ColumnError
from pipeline.records import Row
from pipeline.taxonomy import LABELS
from pipeline.training.retrain.names import several

NAMES = folded(
    "label", "labels", "topic", "topics", "intent", "category", "sub category", "class", "ticket category",
    "contact reason", "reason", "issue type", "ticket type", "tag", "tags", "type", "التصنيف", "تصنيف التذكرة", "الفئة",
    "سبب التواصل", "الوسم", "الوسوم", "النوع", "برچسب", "دسته بندی", "دسته", "علت تماس", "موضوع", "نوع",
)  # fmt: skip
LONGEST_LABEL, KNOWN = 80, 0.9  # characters of a label; share of a column's values that must be our own labels


@dataclass(frozen=True, slots=True)
class TaskColumn:
    """A column of our own labels of one task; `ids` maps every spelling to the label."""

    name: str
    ids: Mapping[str, str]

    def label(self, row: Row) -> str | None:
        return self.ids.get(fold(str(row.values.get(self.name) or "")))


def find_label(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """The column whose name is one of `NAMES`, the best first, and whose values repeat.

    Raises ColumnError when there is none, with the columns that would do by their values.
    """
    fit = [
        name for name in columns if not name.startswith("nabd_") and _repeats([row.values.get(name) for row in rows])
    ]
    ranks = {name: rank for rank, name in enumerate(NAMES)}
    named = sorted((name for name in fit if fold(name) in ranks), key=lambda name: ranks[fold(name)])
    if named:
        return named[0]
    would = f"; by their values {', '.join(map(repr, fit))} would do" if fit else ""
    raise ColumnError(f"no column is called label, topic, category or the like{would}. Name it with --label COLUMN")


def find_tasks(columns: Sequence[str], rows: Sequence[Row]) -> dict[str, TaskColumn]:
    """Task -> the column that bears its name and, but for a tenth of its values, holds our own labels."""
    found = {}
    for task, labels in LABELS.items():
        ids = {fold(name): each.id for each in labels for name in (each.id, each.en, each.ar, each.fa)}
        for name in columns:
            if fold(name) == task and _share(ids, rows, name) >= KNOWN:
                found[task] = TaskColumn(name, ids)
    return found


def _share(ids: Mapping[str, str], rows: Sequence[Row], name: str) -> float:
    filled = [fold(str(row.values[name])) for row in rows if row.values.get(name) not in (None, "")]
    return sum(value in ids for value in filled) / max(len(filled), 1)


def _repeats(values: Sequence[object]) -> bool:
    """Two values or more, short, each twice or more on average; what divides several in a cell is looked into."""
    cells = [str(value).strip() for value in values if value not in (None, "")]
    together = several(cells)
    counts = Counter(part for cell in cells for part in (labels_in(cell) if cell in together else (cell,)))
    counts.pop("", None)
    return 2 <= len(counts) <= sum(counts.values()) / 2 and max(map(len, counts)) <= LONGEST_LABEL
