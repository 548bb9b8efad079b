"""From a source's own labels to ours, by the tables in `training/labels`."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE, TASKS
from pipeline.training.prepare.example import AMBIGUOUS, NO_COUNTERPART

LABELS = Path(__file__).parents[1] / "labels"
TABLES = {"topics.csv": "topic", "sentiment.csv": "sentiment", "emotion.csv": "emotion", "churn.csv": "churn"}
UNMAPPED = "unmapped.csv"
REVIEWED = "reviewed.csv"

Labels = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a reader of our guide made of a public row: all our labels, and the split it is for."""

    split: str
    labels: Labels


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Of one source: its labels to ours for one task; None for a label that is known to have no counterpart."""

    task: str
    ours: Mapping[str, str | None]

    def __call__(self, label: str) -> Labels | str:
        """Our labels in the order of `TASKS`, or the reason why there are none.

        Raises KeyError for a label that is in no table.
        """
        parts = re.split(r"[|;]", label) if self.task == "emotion" else [label]
        found = {self.ours[part] for part in parts} - {None}
        if len(found) != 1:
            return AMBIGUOUS if found else NO_COUNTERPART
        mapped = found.pop()
        return tuple(mapped if task == self.task else None for task in TASKS)


@cache
def load_label_maps(folder: Path = LABELS) -> Mapping[str, LabelMap]:
    """By source. Raises InputError when a table maps to a label that the taxonomy does not know."""
    tasks: dict[str, str] = {}
    ours: dict[str, dict[str, str | None]] = {}
    for file, task in TABLES.items():
        for number, row in _read(folder / file):
            label = row[task]
            if label not in DEFAULT.labels(task):
                raise InputError(_unknown(f"{folder / file}: row {number}", task, label))
            tasks[row["dataset"]] = task
            ours.setdefault(row["dataset"], {})[row["label"]] = label
    for _, row in _read(folder / UNMAPPED):
        tasks.setdefault(row["dataset"], "topic")
        ours.setdefault(row["dataset"], {})[row["label"]] = None
    return {name: LabelMap(task, ours[name]) for name, task in tasks.items()}


@cache
def load_reviewed(path: Path = LABELS / REVIEWED) -> Mapping[tuple[str, str], Reviewed]:
    """By source and id; the file holds no text. Raises InputError for a label or a split that is none of ours."""
    found = {}
    for number, row in _read(path):
        where = f"{path}: row {number}"
        if row["split"] not in ("train", "dev"):
            raise InputError(f"{where} has the split {row['split']!r}; expected train or dev")
        labels = own_labels({task: row[task] or None for task in TASKS}, where)
        found[row["source"], row["id"]] = Reviewed(row["split"], labels)
    return found


def map_public(row: Mapping[str, Any], label_map: LabelMap, where: str) -> Labels | str:
    """Labels, or a reason to drop the row. Raises InputError for a label that no table knows."""
    label = str(row["label"])
    try:
        return label_map(label)
    except KeyError as error:
        raise InputError(
            f"{where} has the label {error.args[0]!r}, which is neither mapped nor listed in {UNMAPPED}; "
            f"add it to a table in training/labels"
        ) from None


def own_labels(row: Mapping[str, Any], where: str) -> Labels:
    """Labels of a row that carries ours. Only an out-of-scope row has no sentiment."""
    labels = tuple(row[task] for task in TASKS)
    for task, label in zip(TASKS, labels, strict=True):
        absent = label is None and task == "sentiment" and row["topic"] == OUT_OF_SCOPE
        if not absent and label not in DEFAULT.labels(task):
            raise InputError(_unknown(where, task, label))
    return labels


def _unknown(where: str, task: str, label: object) -> str:
    return f"{where} has the {task} {label!r}; expected one of {', '.join(DEFAULT.labels(task))}"


def _read(path: Path) -> list[tuple[int, dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(enumerate(csv.DictReader(lines), start=1))
