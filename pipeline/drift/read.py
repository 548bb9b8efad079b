"""A scored file -> a sample: one message of each customer, at random but the same in every run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipeline.calibrate import Floats
from pipeline.columns import Roles, find_roles
from pipeline.columns.desk import find_desk
from pipeline.columns.roles import find_given
from pipeline.drift.sample import LABELS, MOST, MOST_VECTORS, NO, YES, Names, Sample, reduced
from pipeline.drift.truth import read_truth
from pipeline.drift.vocabulary import unknown_words
from pipeline.emerging.embeddings import embeddings_model, read_embeddings
from pipeline.encoder import Vectors
from pipeline.errors import ColumnError, InputError, UsageError
from pipeline.history.scales import is_outbound, number
from pipeline.origin import taxonomy_of
from pipeline.readers import open_source
from pipeline.records import Row
from pipeline.score import prepare

SAMPLE = 200  # rows looked at to tell the columns apart
NO_TEXT = "(no text)"
COLUMN = {name: f"nabd_{name}" for name in LABELS} | {"abstention": "nabd_review"}
CONFIDENCE, MODEL = "nabd_category_confidence", "nabd_model"


@dataclass(frozen=True, slots=True)
class File:
    """A scored file; `embeddings` were kept with it; `label` is its column of categories that people gave.

    `columns` names the column of a role where it cannot be found by itself: text, customer, ticket. `near` is the
    folder of a model that may have scored it.
    """

    path: str
    embeddings: str | None = None
    label: str | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    near: Path | None = None


@dataclass
class _Draw:
    """Of every unit the row of least hash, and of all units the `MOST` of least hash: memory does not grow on."""

    kept: dict[str, tuple[bytes, Row]] = field(default_factory=dict)
    messages: int = 0

    def add(self, unit: str, row: Row) -> None:
        self.messages += 1
        rank = _hash(f"row {row.number}")
        held = self.kept.get(unit)
        if held is None or rank < held[0]:
            self.kept[unit] = (rank, row)
        if len(self.kept) >= 2 * MOST:
            self.kept = {name: self.kept[name] for name in sorted(self.kept, key=_hash)[:MOST]}

    def rows(self) -> list[Row]:
        """In random order."""
        return [self.kept[unit][1] for unit in sorted(self.kept, key=_hash)[:MOST]]


def is_scored(path: str) -> bool:
    """Whether `nabd score` wrote it."""
    with open_source(path) as source:
        return MODEL in source.columns


def read_sample(file: File) -> Sample:
    """Rows that cannot be read, and messages of the desk, are left out.

    Raises UsageError for rows of several models or vectors of another file, ColumnError for a named column that is
    missing, InputError for a file without a message.
    """
    with open_source(file.path) as source:
        columns = source.columns
        roles, desk = _roles(columns, source.sample(SAMPLE), file.columns)
        label = None if file.label is None else find_given(columns, "label", file.label)
        draw, unit, models = _Draw(), _unit(roles, desk), set()
        for item in source:
            if isinstance(item, Row) and not is_outbound(item.values.get(desk.get("direction", ""))):
                draw.add(_unit_of(item, roles, desk), item)
                models.add(str(item.values.get(MODEL) or ""))
    rows = draw.rows()
    if not rows:
        raise InputError(f"{file.path} holds no message that can be read")
    model = _one(models, file.path)
    return Sample(
        labels={name: _labels(rows, name) for name in LABELS if COLUMN[name] in columns},
        numbers=_numbers(rows, columns, roles, (model, file.near)),
        vectors=None if file.embeddings is None else _vectors(rows, file.embeddings, model),
        truth=None if label is None else read_truth(rows, label, taxonomy_of(model, file.near)),
        model=model,
        unit=unit,
        messages=draw.messages,
        synthetic=_is_synthetic(rows),
    )


def _roles(
    columns: Sequence[str], sample: Sequence[Row], named: Mapping[str, str | None]
) -> tuple[Roles, Mapping[str, str]]:
    """A file may have lost its text, as one that was made to be handed on."""
    ours = [column for column in columns if not column.startswith("nabd_")]
    given = {role: name for role, name in named.items() if name is not None}
    ticket = given.pop("ticket", None)
    desk = find_desk(columns, named={"ticket": find_given(columns, "ticket", ticket)} if ticket else {})
    if "text" in given:
        return find_roles(ours, sample, **given), desk
    try:
        return find_roles(ours, sample, **given), desk
    except ColumnError:
        return find_roles((*ours, NO_TEXT), sample, text=NO_TEXT, **given), desk


def _unit(roles: Roles, desk: Mapping[str, str]) -> str:
    return "customer" if roles.customer else "ticket" if "ticket" in desk else "message"


def _unit_of(row: Row, roles: Roles, desk: Mapping[str, str]) -> str:
    """A message without a customer or ticket is one of its own."""
    name = roles.customer or desk.get("ticket")
    value = row.values.get(name) if name else None
    return f"row {row.number}" if value in (None, "") else f"unit {value}"


def _labels(rows: Sequence[Row], name: str) -> Names:
    values = [row.values.get(COLUMN[name]) for row in rows]
    said = ["" if value is None else str(value).strip() for value in values]
    return np.array([YES if each else NO for each in said] if name == "abstention" else said, np.str_)


def _numbers(
    rows: Sequence[Row], columns: Sequence[str], roles: Roles, model: tuple[str, Path | None]
) -> dict[str, Floats]:
    """`model` is its version, and where it may be."""
    found: dict[str, Floats] = {}
    if roles.text != NO_TEXT:
        texts = [prepare(str(row.values.get(roles.text) or "")).text for row in rows]
        found["length"] = np.array([len(text) for text in texts], np.float64)
        if (unknown := unknown_words(texts, *model)) is not None:
            found["vocabulary"] = unknown
    if CONFIDENCE in columns:
        values = [number(row.values.get(CONFIDENCE)) for row in rows]
        found["confidence"] = np.array([np.nan if value is None else value for value in values], np.float64)
    return found


def _vectors(rows: Sequence[Row], embeddings: str, model: str) -> Vectors:
    if (held := embeddings_model(embeddings)) != model:
        raise UsageError(f"{embeddings} holds vectors of {held}, but the rows were scored by {model}; score again")
    return reduced(read_embeddings(embeddings, [row.number for row in rows[:MOST_VECTORS]]))


def _one(models: set[str], path: str) -> str:
    if len(models) > 1:
        raise UsageError(f"{path} was scored by several models: {', '.join(sorted(models))}; score it by one")
    return next(iter(models))


def _is_synthetic(rows: Sequence[Row]) -> bool:
    return all(str(row.values.get("synthetic") or "").lower() in ("yes", "true", "1") for row in rows)


def _hash(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=8).digest()
