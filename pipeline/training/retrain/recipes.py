"""From a survey to heads: recipe `heads`, and which recipe so many rows are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.bundle import Bundle
from pipeline.encoder import Encoder, Vectors
from pipeline.errors import UsageError
from pipeline.score import prepare
from pipeline.taxonomy import LABELS
from pipeline.training.assemble import MAX_ERROR
from pipeline.training.retrain.assembling import Learnt
from pipeline.training.retrain.heads import Fitted, named
from pipeline.training.retrain.lessons import Lessons, lessons, vectors_of
from pipeline.training.retrain.survey import Survey
from pipeline.training.retrain.tasks import Setting, TaskHead, task_head
from pipeline.training.retrain.unseen import category_thresholds, unseen

RECIPES = ("heads", "finetune")
ENOUGH = 3_000  # rows of train from which on fine-tuning is worth its hours


@dataclass(frozen=True)
class Product:
    """What a recipe made; `vector_of` has the vector of every prepared text of the lessons and of dev."""

    encoder: Encoder
    learnt: Learnt
    vector_of: Mapping[str, Vectors]
    parameters: Mapping[str, Any]


def choose(asked: str | None, rows: int, source: Path | None) -> str:
    """The recipe that is asked for; else `finetune` for many rows when there is a folder to start from.

    Raises UsageError for one that makes no model, or lacks its folder.
    """
    if asked is None:
        return "finetune" if rows >= ENOUGH and source is not None else "heads"
    if asked == "linear":
        raise UsageError("linear is what every retraining is compared with, it makes no model; use heads or finetune")
    if asked not in RECIPES:
        raise UsageError(f"--recipe is {asked!r}, expected one of {', '.join(RECIPES)}")
    if asked == "finetune" and source is None:
        raise UsageError("--recipe finetune needs --source, the transformers folder that the base's encoder is made of")
    return asked


def topic_lessons(found: Survey, encoder: Encoder, cache: Path, *, seed: int) -> tuple[Lessons, dict[str, Vectors]]:
    """The lessons on topics, and the vector of every prepared text of lessons and dev; the gate is not even encoded."""
    described = [(topic, prepare(text).text) for topic, text in found.found.labels.described()]
    texts = [row.prepared for row in (*found.lessons, *found.dev)] + [text for _, text in described]
    vector_of = vectors_of(texts, encoder, cache, passing=found.heard)
    labels = found.found.labels.taxonomy.topic_ids
    customers = found.split.customers
    return lessons(found.lessons, labels, vector_of, described=described, customers=customers, seed=seed), vector_of


def learn_heads(
    found: Survey, base: Bundle, given: tuple[Lessons, Fitted, Mapping[str, Vectors]], *, seed: int
) -> Product:
    """`given` are the lessons on topics, what was fitted on them, and the vectors."""
    topics, fitted, vector_of = given
    labels = found.found.labels.taxonomy.topic_ids
    judged = unseen(fitted.head, found.dev, labels, vector_of, folds=(fitted, topics, found.lessons))
    own = sum(row.number > 0 for row in found.lessons)
    setting = Setting(vector_of, found.split.customers, seed)
    train = [row for row in (*found.lessons, *found.of_other_tasks) if row.number > 0]
    heads = {"topic": TaskHead(fitted.head, judged.temperatures(), own)}
    heads |= {task: task_head(task, base, train, found.dev, setting) for task in LABELS}
    chosen = {"head": named(fitted.candidate), "tried": fitted.tried}
    temperatures, table = heads["topic"].temperatures, found.found.labels.taxonomy
    levels = category_thresholds(judged, temperatures, table, max_error=MAX_ERROR)
    return Product(base.encoder, Learnt(heads, levels), vector_of, chosen)
