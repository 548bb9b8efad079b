"""One `nabd retrain`: survey, learn, compare, write."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.encoder import Encoder, Vectors
from pipeline.records import Annotation
from pipeline.training.assemble import MAX_ERROR
from pipeline.training.metrics import names
from pipeline.training.retrain.assembling import assemble_own
from pipeline.training.retrain.baseline import Linear, fit_linear
from pipeline.training.retrain.compare import Said, compare, render, topics_said
from pipeline.training.retrain.heads import Fitted, fit
from pipeline.training.retrain.heldout import read_held_out
from pipeline.training.retrain.lessons import Lessons
from pipeline.training.retrain.multilabel.compare import render_sets
from pipeline.training.retrain.multilabel.learn import compare_with, learn_sets, linear_sets, study_sets, suspect_sets
from pipeline.training.retrain.recipes import Product, choose, learn_heads, topic_lessons
from pipeline.training.retrain.record import describe_data, training_of
from pipeline.training.retrain.rows import Labelled
from pipeline.training.retrain.survey import VECTORS, Request, Survey, survey
from pipeline.training.retrain.suspects import Suspect, suspects
from pipeline.training.retrain.unseen import unseen
from pipeline.training.retrain.writing import write_findings, write_model


@dataclass(frozen=True)
class Retrained:
    """`metrics` is what `retrain.json` holds of dev: recipe, linear and their difference, by language;
    `held_out` the same of the file that was given to judge by, empty without one.

    `notes` are for the user: the report on the export, what was written and decided, the table of the comparison.
    """

    bundle_folder: Path
    digest: str
    metrics: Mapping[str, Any]
    held_out: Mapping[str, Any]
    notes: tuple[str, ...]


def retrain(
    data: str, folder: Path, *, base: Path, recipe: str | None = "heads", label: str | None = None,
    text: str | None = None, customer: str | None = None, time: str | None = None, id: str | None = None,
    taxonomy: Path | None = None, corrections: Path | None = None, rare: str = "leave", source: Path | None = None,
    vectors: Path = VECTORS, seed: int = 0, encoder: Encoder | None = None,
    feedback: Sequence[Annotation] | None = None, multilabel: bool | None = None, held_out: str | None = None,
) -> Retrained:  # fmt: skip
    """Learns the labels of the export `data` into the bundle `folder`, from the bundle `base`.

    The other options are those of `Request`. Raises UsageError, ColumnError and InputError for what cannot be used.
    """
    columns = {"label": label, "text": text, "customer": customer, "time": time, "id": id}
    given = (columns, taxonomy, corrections, rare, source, vectors, seed, encoder, feedback, multilabel, held_out)
    return run(Request(data, folder, base, recipe, *given))


def run(request: Request) -> Retrained:
    """The whole of it; the same request on the same files gives the same bundle."""
    start = time.perf_counter()
    base, found = look(request)
    held = read_held_out(request.held_out, request, found) if request.held_out else None
    done = (_learn_sets if found.found.labels.taxonomy.multilabel else _learn_ones)(request, base, found)
    facts = describe_data(found.export, found.found, found.split, found.feedback)
    dev, beyond = done.judge(found.dev), done.judge(held.rows) if held else {}
    facts |= {"parameters": _parameters(done.recipe, base, found, done.product, seed=request.seed), "dev": dev}
    trained = replace(done.trained, training=training_of(facts))
    facts |= {"linear": done.linear} | ({"held_out": beyond} if held else {})
    written = write_model(request, found, trained, facts, start=start)
    said = [each.note for each in done.product.learnt.tasks.values() if each.note]
    draw = render_sets if trained.taxonomy.multilabel else render
    tables = [draw(dev, done.recipe), *([held.note, draw(beyond, done.recipe, title=held.title)] if held else [])]
    return Retrained(
        request.folder, written.digest, dev, beyond, (found.report, done.findings, *said, *tables, *written.notes)
    )


@dataclass(frozen=True)
class _Done:
    """`judge` compares both on rows, `linear` is the C of the baseline, `findings` says which files lie beside it."""

    recipe: str
    product: Product
    trained: Bundle
    judge: Callable[[Sequence[Labelled]], Mapping[str, Any]]
    linear: float
    findings: str


def _learn_ones(request: Request, base: Bundle, found: Survey) -> _Done:
    """Where every row has one topic."""
    recipe = choose(request.recipe, len(found.lessons), request.source)
    given, fitted, vectors = study(request, base, found)
    findings = write_findings(request, found, doubted(found, given, fitted, vectors))
    product = learn_heads(found, base, (given, fitted, vectors), seed=request.seed)
    if recipe == "finetune":
        from pipeline.training.retrain.tuning import learn_finetune

        product = learn_finetune(request, found, base)
    linear = fit_linear([row.prepared for row in found.lessons], given)
    trained = _assembled(request, found, product)

    def judge(rows: Sequence[Labelled]) -> Mapping[str, Any]:
        return compare(_said(rows, trained, linear), seed=request.seed)

    return _Done(recipe, product, trained, judge, linear.strength, findings)


def _learn_sets(request: Request, base: Bundle, found: Survey) -> _Done:
    """Where a row may have several."""
    studied = study_sets(request, base, found)
    findings = write_findings(request, found, suspect_sets(studied))
    product, linear = learn_sets(found, base, studied, seed=request.seed), linear_sets(found, studied)
    trained = _assembled(request, found, product)

    def judge(rows: Sequence[Labelled]) -> Mapping[str, Any]:
        return compare_with(rows, trained, linear, seed=request.seed)

    return _Done("heads", product, trained, judge, linear.strength, findings)


def _assembled(request: Request, found: Survey, product: Product) -> Bundle:
    return assemble_own(
        request.folder.name, product.encoder, found.found.labels.taxonomy, product.learnt,
        (found.lessons, found.dev, product.vector_of),
    )  # fmt: skip


def check(request: Request) -> tuple[str, ...]:
    """The report on the export and its labels that look wrong; no model is made."""
    base, found = look(request)
    if found.found.labels.taxonomy.multilabel:
        return found.report, write_findings(request, found, suspect_sets(study_sets(request, base, found)))
    return found.report, write_findings(request, found, doubted(found, *study(request, base, found)))


def look(request: Request) -> tuple[Bundle, Survey]:
    """The base model, of a cascade the full one; and the survey."""
    base = replace(bundles.load(request.base, encoder=request.encoder), fast=None)
    return base, survey(request, base.taxonomy)


def study(request: Request, base: Bundle, found: Survey) -> tuple[Lessons, Fitted, dict[str, Any]]:
    """The lessons on topics, the head fitted on them, and the vectors, all with the base model's encoder."""
    given, vectors = topic_lessons(found, base.encoder, request.vectors, seed=request.seed)
    return given, fit(given), vectors


def doubted(found: Survey, given: Lessons, fitted: Fitted, vectors: Mapping[str, Vectors]) -> list[Suspect]:
    """The rows of train and dev whose label looks wrong; the gate's are not looked at."""
    judged = unseen(fitted.head, found.dev, given.labels, vectors, folds=(fitted, given, found.lessons))
    return suspects(judged, given.labels)


def _said(rows: Sequence[Labelled], trained: Bundle, linear: Linear) -> Said:
    """What the bundle itself and the baseline say of `rows`."""
    texts, spoken = [row.prepared for row in rows], [row.language for row in rows]
    judged = trained.judge(texts, spoken).probabilities["topic"]
    table = trained.taxonomy
    return Said(
        names([row.label for row in rows]), topics_said(judged, table),
        topics_said(linear.probabilities(texts), table), np.array(spoken, np.str_),
    )  # fmt: skip


def _parameters(recipe: str, base: Bundle, found: Survey, product: Product, *, seed: int) -> dict[str, Any]:
    return {
        "recipe": recipe, "base": base.sha256, "encoder": product.encoder.id, "seed": seed, "max_error": MAX_ERROR,
        "authored": sum(row.number == 0 for row in found.lessons), **product.parameters,
        "learnt": {task: each.learnt for task, each in product.learnt.tasks.items()},
    }  # fmt: skip
