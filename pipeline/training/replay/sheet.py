"""What a replay leaves in its folder: every change, every customer that moves, and the sheet for a person to judge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.bundle import Bundle
from pipeline.clean import clean
from pipeline.columns.cells import as_text
from pipeline.judging import CHANGES, CUSTOMER, CUSTOMERS, KINDS, MODELS, NEW, NUMBER, OLD, PAGE, SHEET, SUMS, VERDICT
from pipeline.output import TYPES
from pipeline.privacy import mask
from pipeline.training.replay.compare import Replayed
from pipeline.training.replay.fact import Fact
from pipeline.training.replay.sample import Drawn
from pipeline.training.replay.summary import Effect, ticket_of
from pipeline.training.replay.view import document
from pipeline.writers import open_writer

SIDES = [f"{side}_{kind}" for kind in KINDS for side in (OLD, NEW)]
CHANGED = (NUMBER, "ticket", CUSTOMER, "language", "changed", *SIDES)
DRAWN = (NUMBER, CUSTOMER, "language", "changed", "text", VERDICT, *SIDES, *MODELS)
TEMPLATE = "sheet.html"
LONGEST = 2_000  # characters of a message that are shown


def write_files(folder: Path, found: Replayed, effect: Effect, *, models: tuple[Bundle, Bundle]) -> list[Path]:
    """`models` are the old and the new. Returns the files; each is whole or not there."""
    folder.mkdir(parents=True, exist_ok=True)
    changes, customers, sheet, page, sums = (folder / name for name in (CHANGES, CUSTOMERS, SHEET, PAGE, SUMS))
    types = {name: TYPES.get(f"nabd_{name}", "string") for name in (*CHANGED, *DRAWN)} | {NUMBER: "int"}
    with open_writer(changes, columns=CHANGED, types=types) as writer:
        for row in _changes(found):
            writer.write([row])
    with open_writer(customers, columns=(CUSTOMER, "old_band", "new_band")) as writer:
        moved = (effect.bands or {}).items()
        writer.write([{CUSTOMER: name, "old_band": old, "new_band": new} for name, (old, new) in moved])
    hashes = (models[0].sha256, models[1].sha256)
    rows = [_shown(each, found, hashes) for each in found.sample.drawn()]
    with open_writer(sheet, columns=DRAWN, types=types) as writer:
        writer.write(rows)
    _write(page, render_sheet(rows, hashes))
    told = dict(zip(MODELS, (each.version for each in models), strict=True)) | document(effect)
    _write(sums, json.dumps(told, indent=1, ensure_ascii=False))
    return [changes, customers, sheet, page, sums]


def _write(path: Path, content: str) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(content, encoding="utf-8")
    part.replace(path)


def render_sheet(rows: list[dict[str, Any]], models: tuple[str, str]) -> str:
    """A page that loads nothing: each message with both answers, three verdicts, a button that saves them as CSV."""
    from jinja2 import Environment, FileSystemLoader

    loader = FileSystemLoader(Path(__file__).parent)
    template = Environment(loader=loader, autoescape=True, trim_blocks=True).get_template(TEMPLATE)
    kinds = [(kind, f"{OLD}_{kind}", f"{NEW}_{kind}") for kind in KINDS]
    head = json.dumps([NUMBER, VERDICT, *MODELS])
    return template.render(rows=rows, kinds=kinds, head=head, models=json.dumps(models))


def _changes(found: Replayed) -> Iterator[dict[str, Any]]:
    for fact in found.facts:
        if any(fact.changes()):
            yield {**_told(fact, found), "ticket": ticket_of(fact, found)}


def _shown(drawn: Drawn, found: Replayed, models: tuple[str, str]) -> dict[str, Any]:
    text = mask(clean(drawn.text)).text[:LONGEST]
    return {**_told(drawn.fact, found), "text": text, VERDICT: "", **dict(zip(MODELS, models, strict=True))}


def _told(fact: Fact, found: Replayed) -> dict[str, Any]:
    sides = {f"{side}_{kind}": getattr(fact, side)[kind] for kind in KINDS for side in (OLD, NEW)}
    customer = as_text(fact.values.get(found.roles.customer)) if found.roles.customer else ""
    changed = ";".join(kind for kind, _, _ in fact.changes())
    return {NUMBER: fact.number, CUSTOMER: customer, "language": fact.language, "changed": changed, **sides}
