"""What the heads say of rows they did not see: what temperatures, thresholds and suspicions are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.calibrate import Floats, fit_temperatures, of_language, probabilities
from pipeline.encoder import Vectors
from pipeline.taxonomy import Taxonomy
from pipeline.training.assemble import Answers, thresholds
from pipeline.training.linear import Head
from pipeline.training.metrics import Names
from pipeline.training.retrain.heads import Fitted
from pipeline.training.retrain.lessons import Columns, Lessons, matrix
from pipeline.training.retrain.rows import Labelled


@dataclass(frozen=True, slots=True)
class Unseen:
    """`logits` (n, labels) of `rows` (n) by heads that did not learn from them; `truth` (n,) columns of the labels."""

    rows: Sequence[Labelled]
    truth: Columns
    logits: Vectors

    @property
    def languages(self) -> Names:
        return np.array([row.language for row in self.rows], np.str_)

    def temperatures(self) -> dict[str, float]:
        return fit_temperatures(self.logits, self.truth, self.languages.tolist())

    def probabilities(self, temperatures: Mapping[str, float]) -> Floats:
        """(n, labels)."""
        found = np.array([of_language(temperatures, language) for language in self.languages.tolist()])
        return probabilities(self.logits, found[:, None]) if len(found) else np.zeros(self.logits.shape)


def unseen(
    head: Head, dev: Sequence[Labelled], labels: Sequence[str], vector_of: Mapping[str, Vectors],
    *, folds: tuple[Fitted, Lessons, Sequence[Labelled]] | None = None,
) -> Unseen:  # fmt: skip
    """The rows of dev, judged by `head`, and with `folds` the rows of its lessons, each judged without its fold.

    A row of dev whose label the head does not know is left out, and so is what people said in the service: they look at
    what a model is unsure of, so that it would seem less sure than it is, and no file may hold it.
    """
    known = [row for row in dev if row.label in labels]
    vectors = matrix([row.prepared for row in known], vector_of, width=len(head.weight))
    truth = np.array([list(labels).index(row.label) for row in known], np.int64)
    found = Unseen(known, truth, head.logits(vectors))
    if folds is None:
        return found
    fitted, given, rows = folds
    judged = fitted.judged[[rows[place].agreement is None for place in fitted.judged.tolist()]]
    return Unseen(
        [*(rows[place] for place in judged.tolist()), *known], np.concatenate([given.truth[judged], truth]),
        np.concatenate([fitted.logits[judged], found.logits]),
    )  # fmt: skip


def category_thresholds(
    found: Unseen, temperatures: Mapping[str, float], table: Taxonomy, *, max_error: float
) -> dict[str, dict[str, float]]:
    """By language and category, so that of `found` at most `max_error` are misrouted."""
    parents = np.array([table.category_ids.index(label.parent) for label in table.topics])
    sums = table.category_probabilities(found.probabilities(temperatures))
    said = sums.argmax(axis=1) if len(sums) else np.zeros(0, np.int64)
    names = np.array(table.category_ids, np.str_)
    answers = Answers(sums.max(axis=1, initial=0), names[said], said == parents[found.truth])
    return thresholds(answers, found.languages, table.category_ids, max_error=max_error)
