"""Recipe `linear`: TF-IDF of words and characters with logistic regression, what every retraining is compared with.

It learns from the same rows and is chosen in the same way as the recipe; it never becomes a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import FeatureUnion

from pipeline.calibrate import Floats
from pipeline.training.baselines import STRENGTHS, TOLERANCE, tfidf_features
from pipeline.training.retrain.lessons import Lessons

Matrix = Any  # sparse, (n, features)


@dataclass(frozen=True, slots=True)
class Linear:
    """`strength` is the C of the best macro-F1 in cross-validation."""

    features: FeatureUnion | TfidfVectorizer
    model: LogisticRegression
    strength: float
    labels: tuple[str, ...]

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """(n, labels) of prepared texts; 0 for a label without a row."""
        found = np.zeros((len(texts), len(self.labels)))
        if texts:
            found[:, self.model.classes_] = self.model.predict_proba(self.features.transform(texts))
        return found


def fit_linear(texts: Sequence[str], given: Lessons) -> Linear:
    """On prepared texts (n,), those of `given`."""
    features = tfidf_features()
    inputs = features.fit_transform(texts).astype(np.float32)
    reached = [_reached(inputs, given, strength) for strength in _tracked()]
    strength = STRENGTHS[int(np.argmax(reached))]
    return Linear(features, _fit(inputs, given, np.full(len(texts), True), strength), strength, given.labels)


def _tracked() -> Any:
    return track(STRENGTHS, "Fitting TF-IDF", console=Console(stderr=True))


def _reached(inputs: Matrix, given: Lessons, strength: float) -> float:
    """Macro-F1 of rows judged by models that did not see them."""
    said = np.full(len(given.truth), -1)
    for fold in range(given.folds.max() + 1):
        held = given.folds == fold
        said[held] = _fit(inputs, given, ~held, strength).predict(inputs[held])
    judged = said >= 0
    if not judged.any():
        return 0.0
    return float(f1_score(given.truth[judged], said[judged], average="macro", zero_division=0))


def _fit(inputs: Matrix, given: Lessons, rows: Any, strength: float) -> LogisticRegression:
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=300, tol=TOLERANCE)
    trust = given.weights[rows] if (given.folds < 0).any() else None
    return model.fit(inputs[rows], given.truth[rows], sample_weight=trust)
