"""Heads and dev rows -> a bundle: temperatures, the thresholds of an error budget, and how far the familiar reaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle import Bundle
from pipeline.calibrate import ANY, fit_temperatures, misroute_thresholds
from pipeline.encoder import Encoder, Vectors
from pipeline.heads import Heads
from pipeline.score import prepare
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE, TASKS
from pipeline.training.examples import Example

MAX_ERROR = 0.15  # of the categories that are not handed to a person, on dev
FAMILIAR = 0.99  # of the dev rows in scope lie within reach

VectorOf = Mapping[str, Vectors]


def assemble(name: str, encoder: Encoder, heads: Heads, dev: Sequence[Example], vector_of: VectorOf) -> Bundle:
    """The bundle `name`, calibrated on `dev`; `vector_of` has the vector of each text."""
    vectors = matrix(dev, vector_of)
    temperatures = {}
    for task, logits in heads.logits(vectors).items():
        judged = [place for place, row in enumerate(dev) if row.label(task) is not None]
        truth = [heads.labels[task].index(str(dev[place].label(task))) for place in judged]
        temperatures[task] = fit_temperatures(logits[judged], truth, [dev[place].lang for place in judged])
    inside = [place for place, row in enumerate(dev) if row.topic != OUT_OF_SCOPE]
    farthest = round(float(np.quantile(heads.distance(vectors[inside]), FAMILIAR)), 4) if inside else 2.0
    bundle = Bundle(name, encoder, heads, DEFAULT, temperatures, {}, farthest=farthest)
    return with_thresholds(bundle, labelled(dev), max_error=MAX_ERROR)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A message, its language and the category that a person gave it; a message of several topics has others, too."""

    text: str
    language: str
    category: str
    others: tuple[str, ...] = field(default=(), kw_only=True)


def with_thresholds(bundle: Bundle, rows: Sequence[Labelled], *, max_error: float) -> Bundle:
    """The bundle with thresholds by language and category, so that on `rows` at most `max_error` are misrouted."""
    spoken = np.array([row.language for row in rows], np.str_)
    answers = category_answers(bundle, rows)
    return replace(bundle, thresholds=thresholds(answers, spoken, bundle.taxonomy.category_ids, max_error=max_error))


def thresholds(
    answers: Answers, spoken: NDArray[np.str_], categories: Sequence[str], *, max_error: float
) -> dict[str, dict[str, float]]:
    """By language, of the `answers` on n rows and their languages (n,); 1.01, never sure, for what is never said."""
    together = dict.fromkeys(categories, 1.01)
    together |= misroute_thresholds(answers.sure, answers.right, answers.said, max_error=max_error)
    found = {ANY: together}
    for language in sorted(set(spoken.tolist())):
        mine = spoken == language
        own = misroute_thresholds(answers.sure[mine], answers.right[mine], answers.said[mine], max_error=max_error)
        found[language] = together | own
    return found


@dataclass(frozen=True, slots=True)
class Answers:
    """Of n rows (n,): how sure a bundle is of the category, which it says, and whether that is right."""

    sure: NDArray[np.float64]
    said: NDArray[np.str_]
    right: NDArray[np.bool_]


def category_answers(bundle: Bundle, rows: Sequence[Labelled]) -> Answers:
    prepared = [prepare(row.text) for row in rows]
    judged = bundle.judge([each.text for each in prepared], [each.language for each in prepared])
    topics, table = judged.probabilities["topic"], bundle.taxonomy
    columns = table.categories_said(topics)
    sure = np.take_along_axis(table.category_probabilities(topics), columns[:, None], axis=1)[:, 0]
    said = np.array(table.category_ids)[columns]
    pairs = zip(said.tolist(), rows, strict=True)
    return Answers(sure, said, np.array([category in (row.category, *row.others) for category, row in pairs], bool))


def labelled(rows: Sequence[Example]) -> list[Labelled]:
    return [Labelled(row.text, row.lang, DEFAULT.category_of[str(row.topic)]) for row in rows]


def topic_centres(rows: Sequence[Example], vector_of: VectorOf) -> Vectors:
    """(topics in scope + 1, d): the mean of all of `rows`, then of each topic that has any."""
    inside = [row for row in rows if row.topic != OUT_OF_SCOPE]
    vectors, topics = matrix(inside, vector_of), np.array([str(row.topic) for row in inside])
    means = [vectors[topics == topic].mean(axis=0) for topic in DEFAULT.topic_ids if (topics == topic).any()]
    return np.stack([vectors.mean(axis=0), *means]).astype(np.float32)


def matrix(rows: Sequence[Example], vector_of: VectorOf) -> Vectors:
    """(n, d)."""
    return np.stack([vector_of[row.text] for row in rows])


def joined_labels() -> dict[str, tuple[str, ...]]:
    """The columns of our heads, task by task."""
    return {task: DEFAULT.labels(task) for task in TASKS}
