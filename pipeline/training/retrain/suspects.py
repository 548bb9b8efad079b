"""Labels that look wrong (confident learning, Northcutt et al. 2021, arXiv:1911.00068), and corrections read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.calibrate import fit_temperature, probabilities
from pipeline.errors import InputError, UsageError
from pipeline.readers import open_source
from pipeline.records import Row
from pipeline.training.retrain.rows import Export, Labelled
from pipeline.training.retrain.unseen import Unseen
from pipeline.writers import open_writer

COLUMNS = ("row", "id", "label", "suggested", "sure", "corrected", "text")


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row whose label looks wrong; `sure` is the probability of `suggested` by a head that did not see the row."""

    row: Labelled
    suggested: str
    sure: float


def suspects(found: Unseen, labels: Sequence[str]) -> list[Suspect]:
    """The rows of `found` whose label looks wrong, the likeliest mistakes first; `labels` names its columns."""
    from cleanlab.filter import find_label_issues

    columns, places = np.unique(found.truth, return_inverse=True)
    if len(columns) < 2:
        return []
    logits = found.logits[:, columns]
    chances = probabilities(logits, fit_temperature(logits, places))
    wrong = find_label_issues(places, chances, return_indices_ranked_by="self_confidence", n_jobs=1)
    chances[np.arange(len(places)), places] = -1.0
    best = chances.argmax(axis=1)
    return [
        Suspect(found.rows[place], labels[columns[best[place]]], float(chances[place, best[place]]))
        for place in wrong.tolist()
    ]


def write_suspects(path: Path, found: Sequence[Suspect]) -> None:
    """A table to correct: the right label goes into `corrected`, "-" leaves the row out, nothing leaves it as it is."""
    with open_writer(path, columns=COLUMNS) as writer:
        writer.write([
            {
                "row": each.row.number, "id": each.row.id, "label": ";".join(each.row.topics),
                "suggested": each.suggested, "sure": round(each.sure, 3), "corrected": "", "text": each.row.text,
            }
            for each in found
        ])  # fmt: skip


def read_corrections(path: Path, export: Export) -> dict[int, str]:
    """Row number -> corrected label, of the rows where one is given.

    Raises UsageError for a file of other columns, InputError for a row that `export` does not have or labels otherwise.
    """
    known = {row.number: row for row in export.rows}
    found = {}
    with open_source(path) as source:
        if missing := {"row", "id", "corrected"} - set(source.columns):
            raise UsageError(
                f"{path} has no column {sorted(missing)[0]!r}; expected the table of labels that look wrong"
            )
        for item in source:
            wanted = _text(item.values, "corrected")
            if not isinstance(item, Row) or not wanted:
                continue
            number = _text(item.values, "row").removesuffix(".0")
            row = known.get(int(number)) if number.isdecimal() else None
            if row is None or row.id != _text(item.values, "id"):
                raise InputError(
                    f"{path}, row {item.number}: {export.path} has no labelled row {number!r} with that id; "
                    "the corrections are of another file"
                )
            found[row.number] = wanted
    return found


def _text(values: Mapping[str, object], column: str) -> str:
    value = values.get(column)
    return "" if value is None else " ".join(str(value).split())
