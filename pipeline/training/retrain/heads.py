"""Recipe `heads`: the encoder stays as it is; the head on its vectors is chosen by cross-validation on train."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from pipeline.encoder import Vectors
from pipeline.training.linear import Head
from pipeline.training.retrain.discriminant import Discriminant
from pipeline.training.retrain.lessons import ALWAYS, Columns, Lessons

SHRINKAGES = (0.1, 0.4, 0.9)
STRENGTHS = (0.003, 0.03)  # C of scikit-learn: inverse of the regularisation
FEW = 15  # rows of the middle label; up to here only the discriminant is tried: logistic regression was never better
DESCRIBED = 30  # rows of the rarest described label; from there on descriptions add nothing
NEVER = -1e4  # logit of a label without a row
CALM = 1e-3  # tolerance of the gradient


@dataclass(frozen=True, slots=True)
class Candidate:
    """`kind` is discriminant (strength: its shrinkage) or logistic (its C); `described`: with the descriptions."""

    kind: str
    strength: float
    described: bool


@dataclass(frozen=True, slots=True)
class Fitted:
    """`logits` (n, labels) of the lessons' rows, each by a head that did not see it; `judged` (n,) says which have any.

    `reached` is macro-F1 over those rows, `tried` of every candidate.
    """

    head: Head
    candidate: Candidate
    logits: Vectors
    judged: Columns
    reached: float
    tried: dict[str, float]


def fit(given: Lessons) -> Fitted:
    """The candidate of the best macro-F1 in cross-validation, the first of equals, fitted on all lessons."""
    best: tuple[float, Candidate, Vectors, Columns] | None = None
    tried = {}
    for candidate in track(candidates(given), "Fitting", console=Console(stderr=True)):
        logits, judged = out_of_fold(given, candidate)
        reached = _macro_f1(given.truth[judged], logits[judged].argmax(axis=1))
        tried[named(candidate)] = round(reached, 4)
        if best is None or reached > best[0]:
            best = reached, candidate, logits, judged
    assert best is not None  # nosec B101 # for the types: there is a first step
    reached, candidate, logits, judged = best
    return Fitted(fit_one(given, candidate, np.full(len(given.truth), True)), candidate, logits, judged, reached, tried)


def candidates(given: Lessons) -> list[Candidate]:
    """What is worth trying on so many rows."""
    own = given.truth[given.folds != ALWAYS]
    counts = np.bincount(own, minlength=len(given.labels))
    kinds = [("discriminant", strength) for strength in SHRINKAGES]
    if np.median(counts[counts > 0]) > FEW:
        kinds += [("logistic", strength) for strength in STRENGTHS]
    described = given.described[1]
    with_text = (False, True) if len(described) and counts[described].min() < DESCRIBED else (False,)
    return [Candidate(kind, strength, described) for described in with_text for kind, strength in kinds]


def out_of_fold(given: Lessons, candidate: Candidate) -> tuple[Vectors, Columns]:
    """(n, labels) logits of each row by a head that did not see its fold; and the rows that such a head can judge.

    A row whose label no other fold holds cannot be judged.
    """
    logits = np.zeros((len(given.truth), len(given.labels)), np.float32)
    judged = np.full(len(given.truth), False)
    for fold in range(given.folds.max() + 1):
        held = given.folds == fold
        head = fit_one(given, candidate, ~held)
        logits[held] = head.logits(given.vectors[held])
        judged |= held & np.isin(given.truth, given.truth[~held])
    return logits, np.flatnonzero(judged)


def fit_one(given: Lessons, candidate: Candidate, rows: NDArray[np.bool_]) -> Head:
    """On `rows` (n,) of the lessons, standardised; the standardisation is folded into the weights."""
    inputs, truth, weights = given.vectors[rows], given.truth[rows], given.weights[rows]
    if candidate.described:
        inputs = np.concatenate([inputs, given.described[0]])
        truth = np.concatenate([truth, given.described[1]])
        weights = np.concatenate([weights, _of_the_label(given, rows)])
    mean, scale = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    if candidate.kind == "discriminant":
        model = Discriminant(candidate.strength).fit((inputs - mean) / scale, truth, weights)
    else:
        model = LogisticRegression(C=candidate.strength, max_iter=300, tol=CALM).fit(
            (inputs - mean) / scale, truth, sample_weight=weights
        )
    weight, bias = unfold(model, len(given.labels), mean, scale)
    return Head(weight, bias, candidate.strength, 0.0)


def unfold(
    model: Discriminant | LogisticRegression, labels: int, mean: Vectors, scale: Vectors
) -> tuple[Vectors, Vectors]:
    """(d, labels) and (labels,) for raw vectors; scikit-learn keeps one row for two classes."""
    coef, intercept = np.asarray(model.coef_), np.asarray(model.intercept_)
    if len(coef) == 1:
        coef, intercept = np.concatenate([0 * coef, coef]), np.concatenate([0 * intercept, intercept])
    weight, bias = np.zeros((len(mean), labels)), np.full(labels, NEVER)
    weight[:, model.classes_] = coef.T
    bias[model.classes_] = intercept
    weight /= scale[:, None]
    return weight.astype(np.float32), (bias - mean @ weight).astype(np.float32)


def _of_the_label(given: Lessons, rows: NDArray[np.bool_]) -> Vectors:
    """(described,): a description weighs as one row of its label does, or as the heaviest row where it has none."""
    weights = np.full(len(given.labels), given.weights[rows].max())
    np.minimum.at(weights, given.truth[rows], given.weights[rows])
    return np.asarray(weights[given.described[1]])


def _macro_f1(truth: Columns, said: Columns) -> float:
    labels: Sequence[int] = sorted(set(truth.tolist()))
    return float(f1_score(truth, said, labels=labels, average="macro", zero_division=0)) if len(truth) else 0.0


def named(candidate: Candidate) -> str:
    described = " with descriptions" if candidate.described else ""
    return f"{candidate.kind} {candidate.strength:g}{described}"
