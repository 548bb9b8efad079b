"""The gate rows before both models: what each answers, through `score()` alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.errors import InputError
from pipeline.records import Message
from pipeline.route import Rule
from pipeline.score import score
from pipeline.training.examples import Example
from pipeline.training.registry.margins import Margins
from pipeline.training.retrain.labels import label_set
from pipeline.training.retrain.rows import read_export
from pipeline.training.retrain.sets import parts
from pipeline.training.retrain.splits import RECORD, GateRow, gate_row, gate_rows
from pipeline.training.scorecard import Answer, Case, answer_of

RULES = (Rule("all", "desk", "normal", 60),)  # gates judge labels; where they lead is for the replay
PART = 256  # messages scored between two steps of the progress bar
GOLD = "gold"  # a certificate is of rows that people labelled, as these are
FEWEST = 30  # gate rows; fewer decide nothing


@dataclass(frozen=True)
class Side:
    """One of the two models, its folder, and its answers to the gate rows, in their order."""

    folder: Path
    bundle: Bundle
    cases: Sequence[Case]


@dataclass(frozen=True)
class Trial:
    """`new` would replace `old`; the cases of both are of the same rows."""

    new: Side
    old: Side
    margins: Margins
    seed: int = 0


def read_gate(data: str, folder: Path) -> tuple[list[GateRow], str]:
    """The gate rows for the model in `folder`, and a line on where they come from.

    A model that `nabd retrain` made is judged by the rows that it was kept from; any other by every labelled row of
    `data`, which it must not have learnt from. Raises InputError for labels that it does not know, or too few rows.
    """
    if (folder / RECORD).exists():
        rows, line = gate_rows(data, folder), f"kept from {folder.name} for this when it was retrained"
    else:
        rows = _every_row(data, bundles.load(folder))
        line = f"all that are labelled in {data}, on your word that {folder.name} did not learn from them"
    if len(rows) < FEWEST:
        raise InputError(f"found {len(rows)} gate rows in {data}, expected {FEWEST} or more: label more of them")
    return rows, f"{len(rows):,} gate rows: {line}"


def side(folder: Path, bundle: Bundle, rows: Sequence[GateRow], console: Console) -> Side:
    answers = []
    for start in track(range(0, len(rows), PART), f"Scoring with {bundle.name}", console=console):
        messages = [Message(row.text) for row in rows[start : start + PART]]
        answers += [answer_of(one) for one in score(messages, bundle, RULES)]
    return Side(folder, bundle, [_case(row, answer) for row, answer in zip(rows, answers, strict=True)])


def _case(row: GateRow, answer: Answer) -> Case:
    """A row of several topics is taken to be of the one that the model gives first, if that is one of them."""
    said = {task: found.label if (found := answer[task]) else "" for task in ("topic", "category")}
    topic = said["topic"] if said["topic"] in row.topics else row.topic
    category = said["category"] if said["category"] in row.others else row.category
    return Case(_example(replace(row, topic=topic)), category, answer)


def _every_row(data: str, bundle: Bundle) -> list[GateRow]:
    table, export = bundle.taxonomy, read_export(data)
    names = parts((row.label for row in export.rows), multilabel=table.multilabel)
    given = {name for found in names.values() for name in found}
    labels = label_set(given, table)
    if labels.taxonomy != table:
        unknown = sorted(given - {*table.topic_ids})[:3]
        raise InputError(f"{data} holds labels that {bundle.name} does not know, such as {', '.join(unknown)}")
    return [gate_row(row, [str(labels.topic(name)) for name in names[row.label]], table) for row in export.rows]


def _example(row: GateRow) -> Example:
    tasks = {task: row.tasks.get(task) for task in ("sentiment", "emotion", "urgency", "churn")}
    return Example(
        id=row.id, source=GOLD, origin="gate", lang=row.language, dialect=None, text=row.text, split="gate",
        train_ok=False, own=True, intent=None, topic=row.topic, **tasks,
    )  # fmt: skip
