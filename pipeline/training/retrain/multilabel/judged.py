"""What the heads say of rows that they did not see: calibration, levels and suspicions where topics stand alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from pipeline.calibrate import TRUST, Floats, fit_temperatures, independent, of_language
from pipeline.encoder import Vectors
from pipeline.taxonomy import EVEN, OUT_OF_SCOPE, Taxonomy
from pipeline.training.assemble import Answers, thresholds
from pipeline.training.linear import OWN_WEIGHT, Head
from pipeline.training.metrics import Names
from pipeline.training.retrain.heads import NEVER
from pipeline.training.retrain.lessons import matrix
from pipeline.training.retrain.multilabel.heads import FittedSets
from pipeline.training.retrain.multilabel.lessons import SetLessons, Truth, truth_of
from pipeline.training.retrain.rows import Labelled
from pipeline.training.retrain.suspects import Suspect

GRID = np.round(np.arange(0.10, 0.91, 0.05), 2)  # of levels; each is tried
MOST_SUSPECT = 0.1
CERTAIN = 1e6  # C of a logistic regression with no penalty to speak of


@dataclass(frozen=True, slots=True)
class JudgedSets:
    """`logits` (n, labels) of `rows` (n) by heads that did not learn from them; `truth` (n, labels).

    Rows of number 0 are our own messages of what is out of scope.
    """

    rows: Sequence[Labelled]
    truth: Truth
    logits: Vectors

    @property
    def own(self) -> JudgedSets:
        """The rows of the export alone."""
        mine = np.array([row.number > 0 for row in self.rows], bool)
        return JudgedSets([row for row in self.rows if row.number > 0], self.truth[mine], self.logits[mine])

    @property
    def languages(self) -> Names:
        return np.array([row.language for row in self.rows], np.str_)

    def probabilities(self, temperatures: Mapping[str, float]) -> Floats:
        """(n, labels)."""
        found = np.array([of_language(temperatures, language) for language in self.languages.tolist()])
        return independent(self.logits, found[:, None]) if len(found) else np.zeros(self.logits.shape)


def judge_sets(
    given: SetLessons, fitted: FittedSets, lessons: Sequence[Labelled], dev: Sequence[Labelled],
    vector_of: Mapping[str, Vectors],
) -> JudgedSets:  # fmt: skip
    """The lessons, each without its fold, and dev. What people said in the service, and what teaches but scope, not."""
    kept = [place for place in fitted.judged.tolist() if _judges(lessons[place])]
    vectors = matrix([row.prepared for row in dev], vector_of, width=len(fitted.head.weight))
    return JudgedSets(
        [*(lessons[place] for place in kept), *dev], np.concatenate([given.truth[kept], truth_of(dev, given.labels)]),
        np.concatenate([fitted.scores[kept], fitted.head.logits(vectors)]),
    )  # fmt: skip


def calibrated(head: Head, found: JudgedSets, labels: Sequence[str]) -> tuple[Head, JudgedSets]:
    """Scores -> logits, by a slope and an offset a label (Platt 1999), which the head's weights take up."""
    slopes, offsets = np.array([_platt(found, column, label) for column, label in enumerate(labels)]).T
    weight, bias = head.weight * slopes, head.bias * slopes + offsets
    logits = found.logits * slopes + offsets
    return replace(head, weight=weight.astype(np.float32), bias=bias.astype(np.float32)), replace(found, logits=logits)


def set_temperatures(found: JudgedSets) -> dict[str, float]:
    """One a language over all labels: a label and its absence are two classes, as one entry each."""
    own, width = found.own, found.truth.shape[1]
    pairs = np.stack([np.zeros(own.truth.size), own.logits.ravel()], axis=1)
    return fit_temperatures(pairs, own.truth.ravel(), np.repeat(own.languages, width).tolist(), entries=width)


def levels_of(truth: Truth, probabilities: Floats) -> Floats:
    """(labels,): from which probability on a label is given, for the best F1 of each on these rows (n, labels).

    A label's F1 is held by that of all labels together, as if by `TRUST` rows more that have it.
    """
    found = np.full(truth.shape[1], EVEN)  # of a label that no row has
    said = probabilities[None] >= GRID[:, None, None]
    hits, claimed, actual = (said & truth).sum(axis=1), said.sum(axis=1), truth.sum(axis=0)
    each = _f1(hits, claimed, actual)
    together = _f1(hits.sum(axis=1), claimed.sum(axis=1), actual.sum())[:, None]
    held = (each * actual + together * TRUST) / (actual + TRUST)
    near = -np.abs(GRID - EVEN)  # of equals the one nearest to even odds
    for column in np.flatnonzero(actual):
        found[column] = GRID[np.lexsort((near, np.round(held[:, column], 9)))[-1]]
    return found


def applies(found: JudgedSets, temperatures: Mapping[str, float], labels: Sequence[str]) -> dict[str, float]:
    """The level of every topic; what is out of scope must be more likely than not, as for `primary_topics`."""
    own = found.own
    levels = levels_of(own.truth, own.probabilities(temperatures))
    return {label: float(level) for label, level in zip(labels, levels, strict=True)} | {OUT_OF_SCOPE: EVEN}


def category_levels(
    found: JudgedSets, temperatures: Mapping[str, float], table: Taxonomy, *, max_error: float
) -> dict[str, dict[str, float]]:
    """By language and category, so that of the rows at most `max_error` go to a category that they are not of."""
    own = found.own
    topics = own.probabilities(temperatures)
    said, names = table.categories_said(topics), np.array(table.category_ids, np.str_)
    sure = np.take_along_axis(table.category_probabilities(topics), said[:, None], axis=1)[:, 0]
    above = [{table.category_of[topic] for topic in row.topics} for row in own.rows]
    right = np.array([name in has for name, has in zip(names[said].tolist(), above, strict=True)], bool)
    return thresholds(Answers(sure, names[said], right), own.languages, table.category_ids, max_error=max_error)


def set_suspects(found: JudgedSets, labels: Sequence[str]) -> list[Suspect]:
    """The rows of the export whose labels look wrong, the likeliest mistakes first; at most the share `MOST_SUSPECT`.

    With many labels a row, one that is rightly there often looks unlikely; only the first are worth a person's time.
    """
    from cleanlab.multilabel_classification.filter import find_label_issues

    own = found.own
    columns = np.flatnonzero(own.truth.any(axis=0))
    chances = own.probabilities(set_temperatures(found))
    given = [[int(each) for each in np.flatnonzero(row[columns])] for row in own.truth]
    wrong = find_label_issues(given, chances[:, columns], return_indices_ranked_by="self_confidence", n_jobs=1)
    suggested = chances >= levels_of(own.truth, chances)
    return [
        Suspect(own.rows[place], ";".join(np.array(labels)[suggested[place]]), _sure(chances[place], own.truth[place]))
        for place in wrong.tolist()[: int(np.ceil(MOST_SUSPECT * len(own.rows)))]
    ]


def _sure(chances: Floats, truth: NDArray[np.bool_]) -> float:
    """The probability that the label which fits least is wrong: missing, or there without cause."""
    return float(np.abs(chances - truth).max())


def _judges(row: Labelled) -> bool:
    return row.agreement is None and (row.number > 0 or row.label == OUT_OF_SCOPE)


def _platt(found: JudgedSets, column: int, label: str) -> tuple[float, float]:
    """Slope, 0 or more, and offset. Targets are drawn in a little, by Platt's rule, so that none is infinite.

    Our own messages count only for what is out of scope, and less than rows of the export.
    """
    own = np.array([row.number > 0 for row in found.rows], bool)
    rows = np.full(len(own), True) if label == OUT_OF_SCOPE else own
    rows &= found.logits[:, column] > NEVER / 2  # judged by a head that knew the label
    trust, truth = np.where(own, 1.0, 1 / OWN_WEIGHT)[rows], found.truth[rows, column]
    scores = found.logits[rows, column].astype(np.float64)
    with_it, without = trust[truth].sum(), trust[~truth].sum()
    flat = (0.0, float(np.log((with_it + 1) / (without + 1))) if with_it else NEVER)
    wide = scores.std() if len(scores) else 0.0
    if not with_it or wide == 0:
        return flat
    target = np.where(truth, (with_it + 1) / (with_it + 2), 1 / (without + 2))
    twice = np.concatenate([trust * target, trust * (1 - target)])
    model = LogisticRegression(C=CERTAIN, max_iter=300).fit(
        np.tile(scores / wide, 2)[:, None], np.repeat([1, 0], len(scores)), sample_weight=twice
    )
    slope = float(model.coef_[0, 0]) / wide
    return (slope, float(model.intercept_[0])) if slope > 0 else flat


def _f1(hits: NDArray[np.int64], claimed: NDArray[np.int64], actual: NDArray[np.int64]) -> Floats:
    return np.asarray(2 * hits / np.maximum(claimed + actual, 1))
