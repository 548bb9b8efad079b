"""A labelled export -> rows: every column found or named, every text prepared as `score()` would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from pipeline.batch import message
from pipeline.columns import Roles, find_roles
from pipeline.columns.roles import find_given
from pipeline.columns.times import times
from pipeline.errors import UsageError
from pipeline.language import Language
from pipeline.manifest import file_hash
from pipeline.readers import open_source
from pipeline.records import Reject, Row
from pipeline.score import prepare
from pipeline.training.prepare.dedupe import text_key
from pipeline.training.retrain.roles import find_label, find_tasks

SAMPLE = 200
NO_TEXT, UNREAD = "it has no text", "its language is none that Nabd reads"


@dataclass(frozen=True, slots=True)
class Labelled:
    """One labelled message. `label` is as the file has it until `labels.resolve` makes a topic of it.

    `prepared` is what the encoder reads; `key` is the same for copies of one text. `tasks` are the labels of sentiment,
    emotion, urgency and churn where the file has such columns. `agreement` is the share of people who agree on a label
    that was given in the service; None for a row of the export. `labels` are all of a row where it may have several,
    `label` among them.
    """

    number: int
    id: str
    text: str
    prepared: str
    key: bytes
    language: str
    label: str
    customer: str = ""
    time: datetime | None = None
    tasks: Mapping[str, str] | None = None
    agreement: float | None = None
    labels: tuple[str, ...] = ()

    @property
    def topics(self) -> tuple[str, ...]:
        """All its labels: the one, or where it may have several, those."""
        return self.labels or (self.label,)


@dataclass(frozen=True, slots=True)
class Export:
    """What a file holds: labelled rows, rows that cannot be used, how many bear no label, the column of each role."""

    path: str
    sha256: str
    rows: Sequence[Labelled]
    rejects: Sequence[Reject]
    unlabelled: int
    found: Mapping[str, str]
    how: Mapping[str, str]


def read_export(path: str, *, columns: Mapping[str, str | None] | None = None) -> Export:
    """`columns` names the column of a role: label, text, customer, time, id, or one of sentiment to churn.

    Raises UsageError for what is no file, ColumnError for a column that is missing or cannot be found.
    """
    if not Path(path).is_file():
        raise UsageError(f"{path} is not a file; retraining reads one export, and reads it again before a promotion")
    given = {role: name for role, name in (columns or {}).items() if name is not None}
    with open_source(path) as source:
        label = find_given(source.columns, "label", given["label"]) if "label" in given else None
        named = {role: given.get(role) for role in ("text", "customer", "time", "id")}
        roles = find_roles(source.columns, source.sample(SAMPLE), **named)
        all_columns, items = source.columns, list(source)
    rows = [item for item in items if isinstance(item, Row)]
    taken = {name for role in ("text", "customer", "time", "id") if (name := getattr(roles, role))}
    label = label or find_label([name for name in all_columns if name not in taken], rows)
    tasks = find_tasks([name for name in all_columns if name not in (*taken, label)], rows)
    used, rejects, unlabelled = _labelled(rows, roles, label, tasks)
    kept = {role: name for role in ("text", "subject", "customer", "time", "id") if (name := getattr(roles, role))}
    unread = [item for item in items if isinstance(item, Reject)]
    found = kept | {"label": label} | {task: column.name for task, column in tasks.items()}
    return Export(path, file_hash(Path(path)), used, [*unread, *rejects], unlabelled, found, roles.how)


def _labelled(
    rows: Sequence[Row], roles: Roles, label: str, tasks: Mapping[str, Any]
) -> tuple[list[Labelled], list[Reject], int]:
    labelled = [row for row in rows if cell(row, label)]
    moments = times([row.values.get(roles.time) for row in labelled]) if roles.time else [None] * len(labelled)
    found, rejects = [], []
    for row, moment in zip(track(labelled, "Reading", console=Console(stderr=True)), moments, strict=True):
        one = _row(row, roles, label, moment, {task: column.label(row) for task, column in tasks.items()})
        if not one.prepared or one.language == Language.UNSUPPORTED:
            rejects.append(Reject(row.number, UNREAD if one.prepared else NO_TEXT, row.values))
        else:
            found.append(one)
    return found, rejects, len(rows) - len(labelled)


def _row(row: Row, roles: Roles, label: str, moment: datetime | None, tasks: Mapping[str, str | None]) -> Labelled:
    text = message(row, roles).text
    prepared = prepare(text)
    return Labelled(
        row.number, cell(row, roles.id) or str(row.number), text, prepared.text, text_key(text),
        prepared.language.partition("-")[0], cell(row, label), cell(row, roles.customer), moment,
        {task: found for task, found in tasks.items() if found is not None},
    )  # fmt: skip


def cell(row: Row, column: str | None) -> str:
    """A value as text, blanks at its ends and in a row gone; empty without a column."""
    value = row.values.get(column) if column else None
    return "" if value is None else " ".join(str(value).split())
