"""One-vs-rest heads on vectors that stay as they are, chosen by cross-validation on train.

Either a regularised least-squares classifier, all labels in one solution (Rifkin and Klautau 2004, "In defense of
one-vs-all classification", JMLR 5), or a logistic regression a label.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import track
from sklearn.linear_model import LogisticRegression

from pipeline.calibrate import Floats
from pipeline.encoder import Vectors
from pipeline.training.linear import Head
from pipeline.training.metrics import average_precision
from pipeline.training.retrain.heads import CALM, DESCRIBED, FEW, NEVER, SHRINKAGES, STRENGTHS, Candidate, named
from pipeline.training.retrain.lessons import Columns
from pipeline.training.retrain.multilabel.lessons import SetLessons, Truth

SQUARES, LOGISTIC = "least squares", "logistic"


@dataclass(frozen=True, slots=True)
class FittedSets:
    """`scores` (n, labels) of the lessons' rows, each by a head that did not see it; `judged` says which have any.

    `tried` is the mean average precision of every candidate over those rows.
    """

    head: Head
    candidate: Candidate
    scores: Vectors
    judged: Columns
    tried: dict[str, float]


def fit_sets(given: SetLessons) -> FittedSets:
    """The candidate of the best mean average precision in cross-validation, the first of equals, fitted on all."""
    found: dict[Candidate, tuple[float, Vectors]] = {}
    judged = np.flatnonzero(given.folds >= 0)
    for candidate in track(list(candidates(given)), "Fitting", console=Console(stderr=True)):
        scores = out_of_fold(given, candidate)
        found[candidate] = mean_precision(given.truth[judged], scores[judged]), scores
    best = max(found, key=lambda each: found[each][0])
    tried = {named(candidate): round(reached, 4) for candidate, (reached, _) in found.items()}
    head = fit_head(given, best, np.full(len(given.truth), True))
    return FittedSets(head, best, found[best][1], judged, tried)


def candidates(given: SetLessons) -> Iterable[Candidate]:
    """What is worth trying on so many rows."""
    counts = given.truth.sum(axis=0)
    kinds = [(SQUARES, strength) for strength in SHRINKAGES]
    if np.median(counts[counts > 0]) > FEW:
        kinds += [(LOGISTIC, strength) for strength in STRENGTHS]
    described = given.described[1]
    with_text = (False, True) if len(described) and counts[described].min() < DESCRIBED else (False,)
    return (Candidate(kind, strength, each) for each in with_text for kind, strength in kinds)


def out_of_fold(given: SetLessons, candidate: Candidate) -> Vectors:
    """(n, labels) scores of each row by a head that did not see its fold; 0 in no fold."""
    scores = np.zeros(given.truth.shape, np.float32)
    for fold in range(given.folds.max() + 1):
        held = given.folds == fold
        scores[held] = fit_head(given, candidate, ~held).logits(given.vectors[held])
    return scores


def fit_head(given: SetLessons, candidate: Candidate, rows: Truth) -> Head:
    """On `rows` (n,) of the lessons, standardised; the standardisation is folded into the weights.

    A label without a row, or that every row has, is never given. Its scores are no logits until they are calibrated.
    """
    inputs, truth, weights = given.vectors[rows], given.truth[rows], given.weights[rows]
    if candidate.described:
        inputs = np.concatenate([inputs, given.described[0]])
        truth = np.concatenate([truth, np.eye(len(given.labels), dtype=bool)[given.described[1]]])
        weights = np.concatenate([weights, np.full(len(given.described[1]), weights.max())])
    mean, scale = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    solve = _squares if candidate.kind == SQUARES else _logistic
    weight, bias = solve((inputs - mean) / scale, truth, weights, candidate.strength)
    told = truth.any(axis=0) & ~truth.all(axis=0)
    weight, bias = np.where(told, weight, 0.0) / scale[:, None], np.where(told, bias, NEVER)
    return Head(weight.astype(np.float32), (bias - mean @ weight).astype(np.float32), candidate.strength, 0.0)


def mean_precision(truth: Truth, scores: Floats | Vectors) -> float:
    """Average precision, averaged over the labels that any row has; 0 without."""
    once = np.ones((1, len(truth)))
    found = [float(average_precision(truth[:, k], scores[:, k], once)[0]) for k in np.flatnonzero(truth.any(axis=0))]
    return float(np.mean(found)) if found else 0.0


def _squares(inputs: Vectors, truth: Truth, weights: Floats, shrinkage: float) -> tuple[Floats, Floats]:
    """(d, labels) and (labels,): the covariance is pulled towards a multiple of the identity by `shrinkage`."""
    shares = (weights / weights.sum())[:, None]
    values, means = np.asarray(inputs, np.float64), truth.T @ shares
    centre = (values * shares).sum(axis=0)
    apart = values - centre
    spread = apart.T @ (apart * shares)
    width = len(spread)
    pulled = (1 - shrinkage) * spread
    pulled[np.diag_indices(width)] += shrinkage * np.trace(spread) / width + 1e-9
    weight = np.linalg.solve(pulled, apart.T @ ((truth - means.T) * shares))
    return weight, means[:, 0] - centre @ weight


def _logistic(inputs: Vectors, truth: Truth, weights: Floats, strength: float) -> tuple[Floats, Floats]:
    weight, bias = np.zeros((inputs.shape[1], truth.shape[1])), np.zeros(truth.shape[1])
    for column in np.flatnonzero(truth.any(axis=0) & ~truth.all(axis=0)):
        model = LogisticRegression(C=strength, class_weight="balanced", solver="newton-cholesky", tol=CALM)
        model.fit(inputs, truth[:, column], sample_weight=weights)
        weight[:, column], bias[column] = model.coef_[0], model.intercept_[0]
    return weight, bias
