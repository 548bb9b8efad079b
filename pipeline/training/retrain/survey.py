"""The first half of a retraining: the export read, its labels understood, its rows checked and split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.encoder import Encoder
from pipeline.errors import InputError
from pipeline.taxonomy import OUT_OF_SCOPE, Taxonomy
from pipeline.training.retrain.authored import authored
from pipeline.training.retrain.examine import examine
from pipeline.training.retrain.gather import Gathered, gather
from pipeline.training.retrain.labels import label_set
from pipeline.training.retrain.names import Near, near_duplicates
from pipeline.training.retrain.rows import Export, Labelled, read_export
from pipeline.training.retrain.splits import Split, split_rows
from pipeline.training.retrain.suspects import read_corrections

VECTORS = Path("build/vectors")


@dataclass(frozen=True)
class Request:
    """What the user asks for. `columns` is role -> column; `recipe` None: chosen by the number of rows.

    `source` is the transformers folder that `finetune` starts from; `encoder` stands in for the base model's own.
    """

    data: str
    folder: Path
    base: Path
    recipe: str | None = "heads"
    columns: Mapping[str, str | None] = field(default_factory=dict)
    taxonomy: Path | None = None
    corrections: Path | None = None
    rare: str = "leave"
    source: Path | None = None
    vectors: Path = VECTORS
    seed: int = 0
    encoder: Encoder | None = None


@dataclass(frozen=True)
class Survey:
    """`lessons` are the rows of train and the messages that come with Nabd; `report` is Markdown, for the user."""

    export: Export
    found: Gathered
    near: Sequence[Near]
    split: Split
    lessons: Sequence[Labelled]
    dev: Sequence[Labelled]
    report: str

    @property
    def counts(self) -> dict[str, int]:
        """Rows of each label name, as the export has it."""
        return dict(Counter(row.label for row in self.export.rows))


def survey(request: Request, base: Taxonomy) -> Survey:
    """Raises InputError for an export that nothing can be learnt from."""
    export = read_export(request.data, columns=request.columns)
    corrections = read_corrections(request.corrections, export) if request.corrections else {}
    names = [corrections.get(row.number, row.label) for row in export.rows]
    labels = label_set([name for name in names if name != "-"], base, request.taxonomy)
    found = gather(export, labels, corrections=corrections, rare=request.rare)
    near = _separate(near_duplicates(Counter(row.label for row in export.rows)), found)
    split = split_rows(found.rows, seed=request.seed)
    train, dev = (split.rows(found.rows, name) for name in ("train", "dev"))
    if len({row.label for row in train} - {OUT_OF_SCOPE}) < 2 or not dev:
        raise InputError(
            f"{request.data}: {len(train)} rows for train and {len(dev)} for dev are too few to learn from and to "
            "judge by; label more rows"
        )
    ours = authored(found.labels.taught, apart_from={row.key for row in found.rows})
    return Survey(export, found, near, split, [*train, *ours], dev, examine(export, found, near, split))


def _separate(near: Sequence[Near], found: Gathered) -> list[Near]:
    """Without the pairs that are one label already, and without names that are no label here."""
    topic = found.labels.topic
    return [each for each in near if topic(each.keep) != topic(each.other) and topic(each.keep) and topic(each.other)]
