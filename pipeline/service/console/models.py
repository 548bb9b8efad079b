"""*Models*: which one answers, how far its probabilities are true, and how it serves each language."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from pipeline.bundle import Bundle
from pipeline.report.blocks import Block, Cell, Note, Section, Table, num
from pipeline.service.console.entry import Reader
from pipeline.service.console.pages import Page, render
from pipeline.service.console.visitors import Visitor
from pipeline.settings import model_folder

LANGUAGES = ("ar", "fa", "en")
MEASURES = {"category": "accuracy", "sentiment": "macro_f1"}
router = APIRouter(route_class=Page)


@dataclass(frozen=True, slots=True)
class Record:
    """What lies beside a model's weights: its `metrics` and its card; empty where there is none of that version."""

    metrics: Mapping[str, Any]
    card: str


@router.get("/console/models")
def models(visitor: Reader) -> HTMLResponse:
    """The model that answers and what was measured of it."""
    bundle = visitor.service.model.bundle
    record = record_of(visitor.service.model.name, bundle)
    blocks = list(_measured(visitor, record.metrics)) if record.metrics else [Note(visitor.words("no_metrics"))]
    return render(
        visitor, "models.html", place="models", facts=_facts(visitor, bundle), card=record.card,
        section=Section("measured", visitor.words("measured"), blocks),
    )  # fmt: skip


def record_of(model: str, bundle: Bundle) -> Record:
    """Of the model that the settings name, or of the shipped one that was loaded in its place."""
    found = (_read(model_folder(name), bundle.version) for name in (model, bundle.name))
    return next((each for each in found if each.metrics), Record({}, ""))


@lru_cache(8)
def _read(folder: Path, version: str) -> Record:
    """Read once a version: a model folder does not change, another takes its place."""
    try:
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return Record({}, "")
    return Record(metrics, card) if metrics.get("model", {}).get("version") == version else Record({}, "")


def _facts(visitor: Visitor, bundle: Bundle) -> list[tuple[str, str]]:
    words, locale = visitor.words, visitor.locale
    pairs = [
        (words("version"), bundle.version),
        (words("encoder"), bundle.encoder.id[:12]),
        (words("fast_model"), bundle.fast.version if bundle.fast else ""),
        (words("recipe"), str(bundle.training.get("recipe", ""))),
        (words("topics_count"), locale.number(len(bundle.taxonomy.topics))),
        (words("languages"), " · ".join(words(f"language_{language}") for language in LANGUAGES)),
    ]
    return [(name, value) for name, value in pairs if value]


def _measured(visitor: Visitor, metrics: Mapping[str, Any]) -> Iterator[Block]:
    words = visitor.words
    keys = ("task", "language", "n", "calibration_error", "ceiling", "result")
    yield Note(words("certificate", model=metrics["model"]["version"]))
    yield Table(words("certificate_short"), [words(key) for key in keys], list(_certified(visitor, metrics)))
    keys = ("task", "measure", "language", "n", "result", "gap")
    yield Table(words("parity"), [words(key) for key in keys], list(_parity(visitor, metrics)))
    review = metrics.get("review", {})
    if "handed_over" in review:
        yield Note(_review(visitor, review))


def _certified(visitor: Visitor, metrics: Mapping[str, Any]) -> Iterator[list[Cell]]:
    words, locale, languages = visitor.words, visitor.locale, metrics["certificate"]["languages"]
    for task in languages["all"]:
        for language in LANGUAGES:
            if (found := languages.get(language, {}).get(task)) is not None:
                yield [
                    Cell(words.known(task)), Cell(words(f"language_{language}")), num(locale.number(found["n"])),
                    num(locale.number(found["ece"], 3)), num(locale.number(found["ceiling"], 3)),
                    Cell(words("within_yes" if found["within"] else "within_no")),
                ]  # fmt: skip


def _parity(visitor: Visitor, metrics: Mapping[str, Any]) -> Iterator[list[Cell]]:
    """Each language's figure, and by how much it lies behind the best one's."""
    words, locale = visitor.words, visitor.locale
    for task, measure in MEASURES.items():
        for language, found in metrics.get("parity", {}).get(f"gold {task}", {}).items():
            span = f"({locale.number(found['low'], 3)} – {locale.number(found['high'], 3)})"
            yield [
                Cell(words(task)), Cell(words(f"measure_{measure}")), Cell(words.known(f"language_{language}")),
                num(locale.number(found["n"])), num(f"{locale.number(found['value'], 3)} {span}"),
                num(locale.number(found["gap"], 3)),
            ]  # fmt: skip


def _review(visitor: Visitor, review: Mapping[str, Any]) -> str:
    """What was handed over of the labelled messages, and how often the rest was right."""
    percent = visitor.locale.percent
    handed, right = review["handed_over"] / review["n"], review["accuracy_of_the_rest"]["value"]
    return visitor.words("review_measured", handed=percent(handed), right=percent(right))
