"""One `nabd review --curve`: what more labels of an export would buy."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.calibrate import of_language, probabilities, uncertainty
from pipeline.training.retrain.lessons import matrix, vectors_of
from pipeline.training.retrain.survey import Request, Survey, survey
from pipeline.training.review.choose import choose
from pipeline.training.review.curve import REVIEW, Study, learning_curve
from pipeline.training.review.view import draw, render_curve


def curve(request: Request, *, balance: str, plot: Path | None) -> str:
    """The table of the learning curve of the rows that `request` names; no model is made, the gate is left alone."""
    model = replace(bundles.load(request.base, encoder=request.encoder), fast=None)
    study = study_of(survey(request, model.taxonomy), model, request.vectors)
    found = learning_curve(study, {REVIEW: partial(choose, balance=balance)}, seed=request.seed)
    if plot is not None:
        draw(found, plot)
    return render_curve(found)


def study_of(found: Survey, model: Bundle, cache: Path) -> Study:
    """The rows of train to choose from and dev to judge by, in the space of `model`; the gate is left alone."""
    pool = [row for row in found.lessons if row.number > 0]
    ours = [row for row in found.lessons if row.number == 0]
    vector_of = vectors_of([row.prepared for row in (*found.lessons, *found.dev)], model.encoder, cache)
    labels = found.found.labels.taxonomy.topic_ids
    first = None
    if labels == model.taxonomy.topic_ids:
        logits = model.heads.logits(matrix([row.prepared for row in pool], vector_of))["topic"]
        calm = np.array([[of_language(model.temperatures["topic"], row.language)] for row in pool])
        first = uncertainty(probabilities(logits, calm))
    return Study(pool, found.dev, ours, labels, vector_of, first)
