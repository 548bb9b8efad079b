"""The first half of a retraining: the export read, its labels understood, its rows checked and split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.encoder import Encoder
from pipeline.errors import InputError
from pipeline.records import Annotation
from pipeline.taxonomy import OUT_OF_SCOPE, Taxonomy
from pipeline.training.retrain.authored import authored
from pipeline.training.retrain.examine import examine
from pipeline.training.retrain.feedback import Feedback, learnable
from pipeline.training.retrain.feedback_report import render_feedback
from pipeline.training.retrain.gather import Gathered, gather
from pipeline.training.retrain.labels import LabelSet, label_set
from pipeline.training.retrain.names import Near, near_duplicates
from pipeline.training.retrain.rows import Export, Labelled, read_export
from pipeline.training.retrain.sets import has_several, parts
from pipeline.training.retrain.splits import Split, split_rows
from pipeline.training.retrain.suspects import read_corrections

VECTORS = Path("build/vectors")


@dataclass(frozen=True)
class Request:
    """What the user asks for. `columns` is role -> column; `recipe` None: chosen by the number of rows.

    `source` is the transformers folder that `finetune` starts from; `encoder` stands in for the base model's own.
    `held_out` is a labelled file that both are judged by as well; nothing is learnt of it.
    `feedback` is what people said in the service; None: it is not asked for. `multilabel`: rows may have several
    labels; None: as the export has it.
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
    feedback: Sequence[Annotation] | None = None
    multilabel: bool | None = None
    held_out: str | None = None


@dataclass(frozen=True)
class Survey:
    """`lessons` are the rows of train, of feedback, and the messages that come with Nabd; `report` is Markdown."""

    export: Export
    found: Gathered
    near: Sequence[Near]
    split: Split
    lessons: Sequence[Labelled]
    dev: Sequence[Labelled]
    report: str
    feedback: Feedback | None = None

    @property
    def of_other_tasks(self) -> Sequence[Labelled]:
        """Rows of feedback that say nothing of a topic."""
        return self.feedback.others if self.feedback else ()

    @property
    def heard(self) -> list[str]:
        """The prepared texts of feedback: nothing made of them is kept in a file."""
        return [row.prepared for row in (*self.lessons, *self.of_other_tasks) if row.agreement is not None]

    @property
    def counts(self) -> dict[str, int]:
        """Rows of each label name, as the export has it."""
        return _counts(self.export, self.found.labels.taxonomy)


def survey(request: Request, base: Taxonomy) -> Survey:
    """Raises InputError for an export that nothing can be learnt from."""
    export = read_export(request.data, columns=request.columns)
    corrections = read_corrections(request.corrections, export) if request.corrections else {}
    cells = [cell for row in export.rows if (cell := corrections.get(row.number, row.label)) != "-"]
    labels = _labels(cells, base, request)
    found = gather(export, labels, corrections=corrections, rare=request.rare)
    near = _separate(near_duplicates(_counts(export, labels.taxonomy)), found)
    split = split_rows(found.rows, seed=request.seed)
    train, dev = (split.rows(found.rows, name) for name in ("train", "dev"))
    if len({topic for row in train for topic in row.topics} - {OUT_OF_SCOPE}) < 2 or not dev:
        raise InputError(
            f"{request.data}: {len(train)} rows for train and {len(dev)} for dev are too few to learn from and to "
            "judge by; label more rows"
        )
    heard = learnable(request.feedback, found, split) if request.feedback is not None else None
    ours = authored(found.labels.taught, apart_from={row.key for row in found.rows})
    lessons, report = [*train, *(heard.rows if heard else ()), *ours], examine(export, found, near, split)
    report += f"\n\n{render_feedback(heard)}" if heard else ""
    return Survey(export, found, near, split, lessons, dev, report, heard)


def _labels(cells: Sequence[str], base: Taxonomy, request: Request) -> LabelSet:
    """Where nobody says whether rows may have several labels, the export does, or a base of the same labels."""
    multilabel = has_several(cells) if request.multilabel is None else request.multilabel
    names = [name for found in parts(cells, multilabel=multilabel).values() for name in found]
    labels = label_set(names, base, request.taxonomy)
    if request.multilabel is None and labels.kind == "base":
        multilabel = multilabel or base.multilabel
    table = labels.taxonomy
    return labels if table.multilabel == multilabel else replace(labels, taxonomy=replace(table, multilabel=multilabel))


def _counts(export: Export, table: Taxonomy) -> dict[str, int]:
    """Rows of each label name, as the export has it."""
    names = parts((row.label for row in export.rows), multilabel=table.multilabel)
    return dict(Counter(name for row in export.rows for name in names[row.label]))


def _separate(near: Sequence[Near], found: Gathered) -> list[Near]:
    """Without the pairs that are one label already, and without names that are no label here."""
    topic = found.labels.topic
    return [each for each in near if topic(each.keep) != topic(each.other) and topic(each.keep) and topic(each.other)]
