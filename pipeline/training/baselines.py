"""What a simpler system reaches: the majority label, and TF-IDF with logistic regression.

Both learn from exactly the rows that the bundle learnt from, weighted alike, and answer every row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import FeatureUnion

from pipeline.bundle import Bundle
from pipeline.calibrate import Floats
from pipeline.records import Prediction
from pipeline.score import category_probabilities, predict, prepare
from pipeline.taxonomy import TASKS, Taxonomy
from pipeline.training.examples import Example
from pipeline.training.scorecard import Answer

WORDS, CHARACTERS = 80_000, 120_000  # features kept, the most frequent
STRENGTHS = (0.3, 1.0, 3.0, 10.0)  # C of scikit-learn: inverse of the regularisation
TOLERANCE = 1e-3  # of the gradient; at 1e-4 topics did worse on dev, for twice the time

Draw = Mapping[str, Sequence[Example]]


@dataclass(frozen=True, slots=True)
class TfIdf:
    """Word (1-2) and character (2-5) TF-IDF with a logistic regression a task; `strengths` is the C that dev chose."""

    features: FeatureUnion
    models: Mapping[str, LogisticRegression]
    strengths: Mapping[str, float]

    def answers(self, rows: Sequence[Example], bundle: Bundle) -> list[Answer]:
        """One answer a row, category and topic from the topic probabilities by the rule that `score()` follows."""
        inputs = self.features.transform(_texts(rows))
        found = {task: _by_label(model, inputs, bundle.taxonomy.labels(task)) for task, model in self.models.items()}
        return [predict({task: values[row] for task, values in found.items()}, bundle) for row in range(len(rows))]


def majority(draw: Draw, table: Taxonomy, *, own_weight: float) -> Answer:
    """The heaviest label of each task, its share as the confidence; the same answer for any row."""
    shares = {task: _shares(draw[task], task, table, own_weight=own_weight) for task in TASKS}
    shares = {"category": category_probabilities(shares["topic"], table), **shares}
    return {
        task: Prediction(best := max(found, key=found.__getitem__), found[best], found)
        for task, found in shares.items()
    }


def fit_tfidf(draw: Draw, dev: Sequence[Example], *, own_weight: float) -> TfIdf:
    """Fits every task on its rows of `draw`, with the C that reaches the best macro-F1 on `dev`."""
    rows = list({(row.source, row.id): row for chosen in draw.values() for row in chosen}.values())
    features = tfidf_features()
    inputs = features.fit_transform(_texts(rows)).astype(np.float32)
    place = {(row.source, row.id): index for index, row in enumerate(rows)}
    models, strengths = {}, {}
    for task in track(TASKS, description="Fitting TF-IDF", console=Console(stderr=True)):
        taught = inputs[[place[row.source, row.id] for row in draw[task]]]
        judged = [row for row in dev if row.label(task) is not None]
        tried = _fit_each(taught, draw[task], task, own_weight=own_weight)
        judging, truth = features.transform(_texts(judged)), [row.label(task) for row in judged]
        reached = [f1_score(truth, model.predict(judging), average="macro", zero_division=0) for model in tried]
        best = int(np.argmax(reached))
        models[task], strengths[task] = tried[best], STRENGTHS[best]
    return TfIdf(features, models, strengths)


def tfidf_features() -> FeatureUnion:
    """Of words (1-2) and characters (2-5), the most frequent."""
    words = TfidfVectorizer(  # nosec B106 # tokens are words
        ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]", min_df=2, max_features=WORDS, sublinear_tf=True
    )
    pieces = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), min_df=2, max_features=CHARACTERS, sublinear_tf=True
    )
    return FeatureUnion([("words", words), ("characters", pieces)])


def _fit_each(inputs: Any, rows: Sequence[Example], task: str, *, own_weight: float) -> list[LogisticRegression]:
    """A model a strength."""
    weights = np.array([_weight(row, own_weight) for row in rows])
    labels = [row.label(task) for row in rows]
    return [
        LogisticRegression(C=strength, class_weight="balanced", max_iter=300, tol=TOLERANCE).fit(
            inputs, labels, sample_weight=weights / weights.mean()
        )
        for strength in STRENGTHS
    ]


def _by_label(model: LogisticRegression, inputs: Any, labels: Sequence[str]) -> Floats:
    """(n, labels) probabilities; 0 for a label that training did not hold."""
    found = np.zeros((inputs.shape[0], len(labels)))
    found[:, [labels.index(label) for label in model.classes_]] = model.predict_proba(inputs)
    return found


def _texts(rows: Sequence[Example]) -> list[str]:
    return [prepare(row.text).text for row in rows]


def _weight(row: Example, own_weight: float) -> float:
    return own_weight if row.own else 1.0


def _shares(rows: Sequence[Example], task: str, table: Taxonomy, *, own_weight: float) -> dict[str, float]:
    weights = dict.fromkeys(table.labels(task), 0.0)
    for row in rows:
        weights[str(row.label(task))] += _weight(row, own_weight)
    total = sum(weights.values())
    return {label: weight / total for label, weight in weights.items()}
