"""The files of a retraining: findings beside the model's folder, the model and its record inside, each whole or not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.settings import ROUTES
from pipeline.training.drift.reference import write_reference
from pipeline.training.provenance import provenance
from pipeline.training.retrain.assembling import place_encoder
from pipeline.training.retrain.card import render_card
from pipeline.training.retrain.record import cost
from pipeline.training.retrain.routes import routes_for
from pipeline.training.retrain.splits import RECORD
from pipeline.training.retrain.survey import Request, Survey
from pipeline.training.retrain.suspects import Suspect, write_suspects
from pipeline.training.retrain.taxonomies import draft
from pipeline.writers import write_rejects

CARD = "MODEL_CARD.md"


@dataclass(frozen=True, slots=True)
class Written:
    """The bundle's sha256, and lines for the user."""

    digest: str
    notes: tuple[str, ...]


def write_findings(request: Request, found: Survey, doubtful: Sequence[Suspect]) -> str:
    """Rejects, labels that look wrong, and a draft of a taxonomy file, beside the model's folder; says where."""
    request.folder.parent.mkdir(parents=True, exist_ok=True)
    paths = {kind: request.folder.with_name(f"{request.folder.name}.{kind}") for kind in (
        "rejects.jsonl", "suspects.csv", "labels.toml")}  # fmt: skip
    lines = []
    for path in paths.values():
        path.unlink(missing_ok=True)
    if write_rejects(paths["rejects.jsonl"], sorted(found.found.rejects, key=lambda reject: reject.number)):
        lines.append(f"{paths['rejects.jsonl']}: the {len(found.found.rejects):,} rows left out, each with its reason")
    if doubtful:
        write_suspects(paths["suspects.csv"], doubtful)
        lines.append(
            f"{paths['suspects.csv']}: {len(doubtful):,} labels that look wrong; fill in `corrected` and pass it with "
            "--corrections"
        )
    if request.taxonomy is None:
        write_text(paths["labels.toml"], draft(found.counts, found.near, request.folder.name))
        lines.append(f"{paths['labels.toml']}: the labels, to be named, described and sorted; pass it with --taxonomy")
    return "\n".join(lines)


def write_model(
    request: Request, found: Survey, trained: Bundle, record: Mapping[str, Any], *, start: float
) -> Written:
    """The bundle, its card, routes and record; `start` is the time.perf_counter() of the beginning."""
    folder = request.folder
    notes = [place_encoder(trained.encoder, folder.parent)]
    routes = routes_for(found.found.labels, request.base, folder.name)
    (folder / ROUTES).unlink(missing_ok=True)
    digest = bundles.save(trained, folder, built=provenance())
    saved = replace(trained, sha256=digest)
    write_reference([row.text for row in found.dev], [row.label for row in found.dev], saved, folder)
    if routes:
        write_text(folder / ROUTES, routes)
        notes.append(f"{folder / ROUTES}: routes for these labels, used where nabd.toml has none of its own")
    complete = {"model": {"name": saved.name, "version": saved.version, "sha256": digest}, **record}
    complete |= cost(time.perf_counter() - start)
    write_text(folder / CARD, render_card(saved, complete))
    write_text(folder / RECORD, json.dumps(complete, indent=1, ensure_ascii=False) + "\n")
    notes.append(f"{folder} {digest[:8]}, {complete['seconds']:.0f} seconds, {complete['peak_megabytes']:,} MB at most")
    return Written(digest, tuple(_lines(notes)))


def write_text(path: Path, text: str) -> None:
    """Whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _lines(notes: Iterable[str]) -> Iterable[str]:
    return (note for note in notes if note)
