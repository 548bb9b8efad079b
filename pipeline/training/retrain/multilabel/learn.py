"""One retraining on topics of which a row may have several: from a survey to heads, suspicions and a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.bundle import Bundle
from pipeline.encoder import Vectors
from pipeline.errors import UsageError
from pipeline.records import Message
from pipeline.route import Rule
from pipeline.score import prepare, score
from pipeline.taxonomy import LABELS
from pipeline.training.assemble import MAX_ERROR
from pipeline.training.retrain.assembling import Learnt
from pipeline.training.retrain.heads import named
from pipeline.training.retrain.lessons import vectors_of
from pipeline.training.retrain.multilabel.baseline import LinearSets, fit_linear_sets
from pipeline.training.retrain.multilabel.compare import Sets, compare_sets
from pipeline.training.retrain.multilabel.heads import FittedSets, fit_sets
from pipeline.training.retrain.multilabel.judged import (
    JudgedSets,
    applies,
    calibrated,
    category_levels,
    judge_sets,
    set_suspects,
    set_temperatures,
)
from pipeline.training.retrain.multilabel.lessons import SetLessons, set_lessons, truth_of
from pipeline.training.retrain.recipes import Product
from pipeline.training.retrain.rows import Labelled
from pipeline.training.retrain.survey import Request, Survey
from pipeline.training.retrain.suspects import Suspect
from pipeline.training.retrain.tasks import Setting, TaskHead, task_head

ANYWHERE = (Rule("all", "desk", "normal", 60),)


@dataclass(frozen=True)
class Studied:
    """What every step goes on from: the lessons, what was fitted on them, and what that says of rows it did not see.

    The head in `fitted` is calibrated; `vector_of` has the vector of each prepared text.
    """

    given: SetLessons
    fitted: FittedSets
    head: Any
    judged: JudgedSets
    vector_of: Mapping[str, Vectors]


def study_sets(request: Request, base: Bundle, found: Survey) -> Studied:
    """Raises UsageError for a recipe that learns one label a row."""
    if request.recipe not in (None, "heads"):
        raise UsageError(f"--recipe {request.recipe} learns one label a row; rows with several need --recipe heads")
    table = found.found.labels.taxonomy
    described = [(topic, prepare(text).text) for topic, text in found.found.labels.described()]
    texts = [row.prepared for row in (*found.lessons, *found.dev)] + [text for _, text in described]
    vector_of = vectors_of(texts, base.encoder, request.vectors, passing=found.heard)
    customers = found.split.customers
    given = set_lessons(
        found.lessons, table.topic_ids, vector_of, described=described, customers=customers, seed=request.seed
    )
    fitted = fit_sets(given)
    raw = judge_sets(given, fitted, found.lessons, found.dev, vector_of)
    head, judged = calibrated(fitted.head, raw, table.topic_ids)
    return Studied(given, fitted, head, judged, vector_of)


def suspect_sets(studied: Studied) -> list[Suspect]:
    """The rows of train and dev whose labels look wrong."""
    return set_suspects(studied.judged, studied.given.labels)


def learn_sets(found: Survey, base: Bundle, studied: Studied, *, seed: int) -> Product:
    """The other tasks are learnt as ever."""
    table, judged = found.found.labels.taxonomy, studied.judged
    temperatures = set_temperatures(judged)
    train = [row for row in (*found.lessons, *found.of_other_tasks) if row.number > 0]
    setting = Setting(studied.vector_of, found.split.customers, seed)
    own = sum(row.number > 0 for row in found.lessons)
    heads = {"topic": TaskHead(studied.head, temperatures, own)}
    heads |= {task: task_head(task, base, train, found.dev, setting) for task in LABELS}
    levels = category_levels(judged, temperatures, table, max_error=MAX_ERROR)
    learnt = Learnt(heads, levels, applies(judged, temperatures, table.topic_ids))
    chosen = {"head": f"{named(studied.fitted.candidate)}, one-vs-rest", "tried": studied.fitted.tried}
    return Product(base.encoder, learnt, studied.vector_of, chosen)


def linear_sets(found: Survey, studied: Studied) -> LinearSets:
    """The baseline on the same rows."""
    own = np.array([row.number > 0 and row.agreement is None for row in found.lessons], bool)
    dev = [row.prepared for row in found.dev], truth_of(found.dev, studied.given.labels)
    return fit_linear_sets([row.prepared for row in found.lessons], studied.given, own, dev)


def compare_with(rows: Sequence[Labelled], trained: Bundle, linear: LinearSets, *, seed: int) -> dict[str, Any]:
    """What the bundle itself, through `score()`, and the baseline say of `rows`."""
    labels = trained.taxonomy.topic_ids
    texts, spoken = [row.prepared for row in rows], np.array([row.language for row in rows], np.str_)
    said = score([Message(row.text) for row in rows], trained, ANYWHERE)
    given = [[label in (one.topics or ()) for label in labels] for one in said]
    chances = [[one.topic.probabilities[label] for label in labels] for one in said]
    plain = linear.probabilities(texts)
    return compare_sets(
        truth_of(rows, labels), Sets(np.array(given, bool), np.array(chances)),
        Sets(plain >= linear.levels, plain), spoken, seed=seed,
    )  # fmt: skip
