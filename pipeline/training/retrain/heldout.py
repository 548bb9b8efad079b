"""A labelled file of its own to be judged by, of which nothing is learnt: `nabd retrain --held-out FILE`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InputError
from pipeline.records import Reject
from pipeline.training.retrain.gather import resolve
from pipeline.training.retrain.rows import Labelled, read_export
from pipeline.training.retrain.sets import join_copies, resolve_sets
from pipeline.training.retrain.survey import Request, Survey


@dataclass(frozen=True, slots=True)
class HeldOut:
    """`rows` are judged; `copies` are those whose text is learnt too, `left_out` all others."""

    name: str
    rows: list[Labelled]
    left_out: int
    copies: int

    @property
    def title(self) -> str:
        """What its rows are called above the comparison."""
        return f"rows of {self.name}"

    @property
    def note(self) -> str:
        """One line for the user."""
        return (
            f"{self.name}: {len(self.rows):,} rows to judge by. Left out: {self.copies:,} whose text export or "
            f"feedback holds, {self.left_out:,} with no label that was learnt, or copies, or unreadable."
        )


def read_held_out(path: str, request: Request, found: Survey) -> HeldOut:
    """Its columns are named as those of the export. Raises InputError where no row of it can be judged."""
    export, labels = read_export(path, columns=request.columns), found.found.labels
    rejects: list[Reject] = []
    if labels.taxonomy.multilabel:
        rows, _ = join_copies(resolve_sets(export.rows, labels, rejects)[0], rejects)
    else:
        rows, *_ = resolve(export.rows, labels, rejects)
    known = {row.key for row in (*found.found.rows, *found.lessons)}
    apart = [row for row in rows if row.key not in known]
    if not apart:
        raise InputError(
            f"--held-out {path}: none of its {len(export.rows):,} labelled rows can be judged; it needs messages that "
            "the export does not hold, with labels that are learnt"
        )
    left_out = len(export.rows) + export.unlabelled + len(export.rejects) - len(rows)
    return HeldOut(Path(path).name, apart, left_out, len(rows) - len(apart))
