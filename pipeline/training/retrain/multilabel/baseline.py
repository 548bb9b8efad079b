"""The plain baseline where a row may have several labels: TF-IDF with one logistic regression a label.

It learns from the same rows as the recipe, and is chosen and given its levels in the same way; it becomes no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion

from pipeline.calibrate import Floats
from pipeline.training.baselines import STRENGTHS, TOLERANCE, tfidf_features
from pipeline.training.retrain.multilabel.heads import mean_precision
from pipeline.training.retrain.multilabel.judged import levels_of
from pipeline.training.retrain.multilabel.lessons import SetLessons, Truth

Matrix = Any  # sparse, (n, features)


@dataclass(frozen=True, slots=True)
class LinearSets:
    """`strength` is the C of the best mean average precision in cross-validation; `levels` (labels,) as of a recipe."""

    features: FeatureUnion | TfidfVectorizer
    models: Sequence[LogisticRegression | None]
    strength: float
    levels: Floats = field(default_factory=lambda: np.zeros(0))

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """(n, labels) of prepared texts; 0 for a label without a row."""
        return _chances(self.models, self.features.transform(texts)) if texts else np.zeros((0, len(self.models)))


def fit_linear_sets(
    texts: Sequence[str], given: SetLessons, own: Truth, dev: tuple[Sequence[str], Truth]
) -> LinearSets:
    """On prepared texts (n,), those of `given`; its levels are set on those that are the user's `own` (n,), and dev."""
    features = tfidf_features()
    inputs = features.fit_transform(texts).astype(np.float32)
    judged = given.folds >= 0
    every = np.full(len(given.truth), True)
    best: tuple[float, float, Floats] | None = None
    for strength in track(STRENGTHS, "Fitting TF-IDF", console=Console(stderr=True)):
        chances = np.zeros(given.truth.shape)
        for fold in range(given.folds.max() + 1):
            held = given.folds == fold
            chances[held] = _chances(_fit(inputs, given, ~held, strength), inputs[held])
        reached = mean_precision(given.truth[judged], chances[judged])
        if best is None or reached > best[0]:
            best = reached, strength, chances
    assert best is not None  # nosec B101 # for the types: there is a first strength
    found = LinearSets(features, _fit(inputs, given, every, best[1]), best[1])
    seen, told = best[2][judged & own], given.truth[judged & own]
    levels = levels_of(np.concatenate([told, dev[1]]), np.concatenate([seen, found.probabilities(dev[0])]))
    return LinearSets(features, found.models, found.strength, levels)


def _fit(inputs: Matrix, given: SetLessons, rows: Truth, strength: float) -> list[LogisticRegression | None]:
    """A model a label; None of one that no row, or every row, has."""
    found: list[LogisticRegression | None] = []
    for truth in given.truth[rows].T:
        model = LogisticRegression(C=strength, class_weight="balanced", solver="liblinear", tol=TOLERANCE)
        told = truth.any() and not truth.all()
        found.append(model.fit(inputs[rows], truth, sample_weight=given.weights[rows]) if told else None)
    return found


def _chances(models: Sequence[LogisticRegression | None], inputs: Matrix) -> Floats:
    none = np.zeros(inputs.shape[0])
    return np.stack([none if model is None else model.predict_proba(inputs)[:, 1] for model in models], axis=1)
