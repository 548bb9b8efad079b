"""The judge: a bundle over every held-out set, through `score()` alone, beside the baselines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.errors import InputError
from pipeline.records import Message, Scored
from pipeline.score import predict, prepare, score
from pipeline.settings import load_settings
from pipeline.training.baselines import Draw, fit_tfidf, majority
from pipeline.training.card import render_card
from pipeline.training.certificate import certificate
from pipeline.training.examples import Example, evaluation_draw, load_examples, own_dev, training_draw
from pipeline.training.figures import draw_certificate
from pipeline.training.intents import measure_intents
from pipeline.training.parity import distances, family, few_shot, parity
from pipeline.training.provenance import check_rows, identity, libraries, origins, rows_of, split_sizes
from pipeline.training.results import render_results
from pipeline.training.scorecard import Case, answer_of, difference, grouped, handed_over, scorecard
from pipeline.training.tables import figure
from pipeline.training.tracking import record_run

PER_GROUP = 3_000  # rows of each public source and language
CHUNK = 1_024  # messages scored between two steps of the progress bar
GOLD = "gold"


@dataclass(frozen=True, slots=True)
class Judging:
    """Where the kept vectors lie, the seed of the draws, and whether the baselines are fitted beside."""

    vectors: Path
    seed: int = 0
    baselines: bool = True


def run(data: Path, model: Path, docs: Path, judging: Judging, *, tracking: str) -> str:
    """Judges the bundle `model` on prepared `data`; writes its metrics.json and MODEL_CARD.md, and the page `docs`.

    `tracking` is an MLflow store. Returns the headline for the terminal.
    """
    metrics = evaluate(bundles.load(model), data, judging)
    metrics["family"] = family(model.parent, metrics)
    metrics |= {"few_shot": few_shot(model.parent)} if judging.baselines else {}
    return publish(metrics, model, docs, tracking=tracking)


def evaluate(bundle: Bundle, data: Path, judging: Judging) -> dict[str, Any]:
    """Everything measured, as plain JSON values; the same input gives the same."""
    rows_sha256, seed = check_rows(bundle, data), judging.seed
    examples = load_examples(data)
    held_out = evaluation_draw(examples, "test", per_group=PER_GROUP, seed=seed)
    if not any(row.source == GOLD for row in held_out):
        raise InputError(f"{data} holds no test row of {GOLD!r}, by which a model is judged; run `nabd data` with it")
    scored = _score(held_out, bundle)
    cases = judged_cases(held_out, scored, bundle)
    gold, public = ([case for case in cases if (case.example.source == GOLD) is own] for own in (True, False))
    draw = training_draw(examples, per_group=bundle.training["per_group"], seed=bundle.training["seed"])
    reviews = [one.review for row, one in zip(held_out, scored, strict=True) if row.source == GOLD]
    return {
        "model": identity(bundle), "training": dict(bundle.training), "seed": seed, "libraries": libraries(),
        "data": {"rows_sha256": rows_sha256, "per_group": PER_GROUP, "test_rows": split_sizes(examples, "test")},
        "gold_train_origins": origins(rows_of(draw, GOLD)),
        **_gold(gold, reviews, seed),
        "parity": parity(cases, seed=seed),
        "certificate": certificate(cases, seed=seed),
        "distance": distances([case.example for case in gold], bundle),
        **(_beside(gold, draw, own_dev(examples), bundle, seed=seed) if judging.baselines else {}),
        "intents": {} if bundle.fast else measure_intents(examples, bundle.encoder, judging.vectors, seed=seed),
        **_public(public, seed),
    }  # fmt: skip


def judged_cases(rows: Sequence[Example], scored: Sequence[Scored], bundle: Bundle) -> list[Case]:
    """With what the sentiment head says where a labelled row is taken for out of scope, which hides its sentiment."""
    hidden = [
        place
        for place, (row, one) in enumerate(zip(rows, scored, strict=True))
        if one.sentiment is None and row.sentiment is not None
    ]
    prepared = [prepare(rows[place].text) for place in hidden]
    judged = bundle.judge([each.text for each in prepared], [each.language for each in prepared])
    heads = {
        place: predict({task: values[at] for task, values in judged.probabilities.items()}, bundle)["sentiment"]
        for at, place in enumerate(hidden)
    }
    return [
        replace(Case.of(row, answer_of(one), bundle.taxonomy), head=heads.get(place))
        for place, (row, one) in enumerate(zip(rows, scored, strict=True))
    ]


def publish(metrics: Mapping[str, Any], model: Path, docs: Path, *, tracking: str) -> str:
    """Writes the three files and the MLflow run; returns the headline."""
    written = {
        model / "metrics.json": json.dumps(metrics, indent=1, ensure_ascii=False) + "\n",
        model / "MODEL_CARD.md": render_card(metrics),
        docs: render_results(metrics),
    }
    for path, text in written.items():
        _write(path, text)
    draw_certificate(metrics["certificate"], model / "certificate.svg")
    run_id = record_run(metrics, [model / "metrics.json", model / "MODEL_CARD.md"], store=tracking)
    return "\n".join([*_headline(metrics), *map(str, written), f"MLflow run {run_id}"])


def _score(rows: Sequence[Example], bundle: Bundle) -> list[Scored]:
    rules = load_settings(table=bundle.taxonomy).routes
    starts = range(0, len(rows), CHUNK)
    return [
        one
        for start in track(starts, description="Scoring", console=Console(stderr=True))
        for one in score([Message(row.text) for row in rows[start : start + CHUNK]], bundle, rules)
    ]


def _gold(cases: Sequence[Case], reviews: Sequence[tuple[str, ...]], seed: int) -> dict[str, Any]:
    by_origin = grouped(cases, lambda case: case.example.origin)
    return {
        "gold": _by_language(cases, seed),
        "gold_origins": _each(by_origin, seed),
        "review": handed_over(cases, reviews, seed=seed),
    }


def _beside(cases: Sequence[Case], draw: Draw, dev: Sequence[Example], bundle: Bundle, *, seed: int) -> dict[str, Any]:
    """The baselines on the rows of `cases`, and how far the bundle is from TF-IDF."""
    weight = bundle.training["own_weight"]
    same, tfidf = majority(draw, bundle.taxonomy, own_weight=weight), fit_tfidf(draw, dev, own_weight=weight)
    answers = tfidf.answers([case.example for case in cases], bundle)
    constant = [replace(case, answer=same) for case in cases]
    learnt = [replace(case, answer=answer) for case, answer in zip(cases, answers, strict=True)]
    ours, theirs = _languages(cases), _languages(learnt)
    return {
        "baselines": {"majority": _by_language(constant, seed), "tfidf": _by_language(learnt, seed)},
        "tfidf_C": dict(tfidf.strengths),
        "difference": {lang: difference(ours[lang], theirs[lang], seed=seed) for lang in ours},
    }


def _public(cases: Sequence[Case], seed: int) -> dict[str, Any]:
    """Source -> language -> task, and source -> dialect -> task where the source names dialects."""
    found: dict[str, Any] = {"sources": {}, "dialects": {}}
    for source, some in grouped(cases, lambda case: case.example.source).items():
        found["sources"][source] = _each(grouped(some, lambda case: case.example.lang), seed)
        if dialects := grouped(some, lambda case: case.example.dialect):
            found["dialects"][source] = _each(dialects, seed)
    return found


def _by_language(cases: Sequence[Case], seed: int) -> dict[str, Any]:
    return _each(_languages(cases), seed)


def _each(groups: Mapping[str, Sequence[Case]], seed: int) -> dict[str, Any]:
    return {name: scorecard(cases, seed=seed) for name, cases in groups.items()}


def _languages(cases: Sequence[Case]) -> dict[str, Sequence[Case]]:
    return {"all": cases, **grouped(cases, lambda case: case.example.lang)}


def _headline(metrics: Mapping[str, Any]) -> Iterator[str]:
    for language, ours in metrics["gold"].items():
        reached, beside = ours["category"], ""
        if "baselines" in metrics:
            theirs = metrics["baselines"]["tfidf"][language]["category"]
            beside = f", TF-IDF {figure(theirs['macro_f1'])}, difference {figure(metrics['difference'][language])}"
        yield f"category macro-F1, {language}, {reached['n_in_scope']} rows: {figure(reached['macro_f1'])}{beside}"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
