"""*Models*: which one answers, what was measured of it, which others lie beside it, and what a change would change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from pipeline.bundle import Bundle
from pipeline.report.blocks import Cell, Note, Section, Table, num
from pipeline.service import catalogue
from pipeline.service.api.models import serve
from pipeline.service.console import replays
from pipeline.service.console.entry import Admin, Posted, Reader
from pipeline.service.console.measured import LANGUAGES, measured
from pipeline.service.console.pages import Page, render, see
from pipeline.service.console.visitors import Visitor
from pipeline.settings import model_folder

router = APIRouter(route_class=Page)


@dataclass(frozen=True, slots=True)
class Record:
    """What lies beside a model's weights: its `metrics` and its card; empty where there is none of that version."""

    metrics: Mapping[str, Any]
    card: str


@router.get("/console/models")
def models(visitor: Reader) -> HTMLResponse:
    """The model that answers, what was measured of it, the others, and the replays."""
    words, bundle = visitor.words, visitor.service.model.bundle
    record = record_of(visitor.service.model.name, bundle)
    blocks = list(measured(visitor, record.metrics)) if record.metrics else [Note(words("no_metrics"))]
    beside = _beside(visitor)
    return render(
        visitor, "models.html", place="models", facts=_facts(visitor, bundle), card=record.card,
        section=Section("measured", words("measured"), blocks), names=[each["name"] for each in beside],
        versions=Section("versions", words("versions"), [_versions(visitor, beside)] if beside else []),
        replays=replays.section(visitor),
    )  # fmt: skip


@router.post("/console/models")
def reload(visitor: Admin, form: Posted) -> Response:
    """Another model answers from now on, or the same one from disk once more."""
    serve(visitor.service, str(form.get("model", "")) or None, visitor.known)
    return see("/console/models")


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


def _beside(visitor: Visitor) -> list[dict[str, Any]]:
    """Every model in the folder of the one that is served, itself among them."""
    model = visitor.service.model
    folder = model_folder(model.name, visitor.service.settings.tracking).parent
    return [found for path in catalogue.models(folder).values() if (found := catalogue.describe(path)) is not None]


def _versions(visitor: Visitor, beside: Sequence[Mapping[str, Any]]) -> Table:
    words = visitor.words
    keys = ("version", "built_on", "calibrated", "state")
    return Table(words("versions"), [words(key) for key in keys], list(_rows(visitor, beside)))


def _rows(visitor: Visitor, beside: Sequence[Mapping[str, Any]]) -> Iterator[list[Cell]]:
    words, locale, served = visitor.words, visitor.locale, visitor.service.model.version
    for each in beside:
        within = [card["within"] for card in each["certificate"] if card["language"] != "all"]
        told = words("part_of", part=locale.number(sum(within)), whole=locale.number(len(within))) if within else "–"
        built = locale.date(datetime.fromisoformat(each["built"])) if each["built"] else "–"
        yield [Cell(each["version"], "id"), Cell(built), num(told),
               Cell(words("answers_now") if each["version"] == served else "–")]  # fmt: skip
