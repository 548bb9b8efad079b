"""What a replay leaves in its folder: every change, every customer that moves, and the sheet for a person to judge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.clean import clean
from pipeline.output import TYPES
from pipeline.privacy import mask
from pipeline.training.replay.compare import Replayed
from pipeline.training.replay.fact import KINDS
from pipeline.training.replay.judged import MODELS, VERDICT
from pipeline.training.replay.sample import Drawn
from pipeline.training.replay.summary import NEW, OLD, Effect, ticket_of
from pipeline.writers import open_writer

SIDES = [f"{side}_{kind}" for kind in KINDS for side in (OLD, NEW)]
CHANGES = ("number", "ticket", "language", "changed", *SIDES)
SHEET = ("number", "language", "changed", "text", VERDICT, *SIDES, *MODELS)
TEMPLATE = "sheet.html"
LONGEST = 2_000  # characters of a message that are shown


def write_files(folder: Path, found: Replayed, effect: Effect, *, models: tuple[str, str]) -> list[Path]:
    """`models` are the sha256 of the old bundle and of the new. Returns the files; each is whole or not there."""
    folder.mkdir(parents=True, exist_ok=True)
    changes, customers, sheet, page = (
        folder / name for name in ("changes.csv", "customers.csv", "judge.csv", "judge.html")
    )
    types = {name: TYPES.get(f"nabd_{name}", "string") for name in (*CHANGES, *SHEET)} | {"number": "int"}
    with open_writer(changes, columns=CHANGES, types=types) as writer:
        for row in _changes(found):
            writer.write([row])
    with open_writer(customers, columns=("customer", "old_band", "new_band")) as writer:
        moved = (effect.bands or {}).items()
        writer.write([{"customer": name, "old_band": old, "new_band": new} for name, (old, new) in moved])
    rows = [_shown(each, models) for each in found.sample.drawn()]
    with open_writer(sheet, columns=SHEET, types=types) as writer:
        writer.write(rows)
    part = page.with_name(f"{page.name}.part")
    part.write_text(render_sheet(rows, models), encoding="utf-8")
    part.replace(page)
    return [changes, customers, sheet, page]


def render_sheet(rows: list[dict[str, Any]], models: tuple[str, str]) -> str:
    """A page that loads nothing: each message with both answers, three verdicts, a button that saves them as CSV."""
    from jinja2 import Environment, FileSystemLoader

    loader = FileSystemLoader(Path(__file__).parent)
    template = Environment(loader=loader, autoescape=True, trim_blocks=True).get_template(TEMPLATE)
    kinds = [(kind, f"{OLD}_{kind}", f"{NEW}_{kind}") for kind in KINDS]
    head = json.dumps(["number", VERDICT, *MODELS])
    return template.render(rows=rows, kinds=kinds, head=head, models=json.dumps(models))


def _changes(found: Replayed) -> Iterator[dict[str, Any]]:
    for fact in found.facts:
        kinds = [kind for kind, _, _ in fact.changes()]
        if kinds:
            sides = {f"{side}_{kind}": getattr(fact, side)[kind] for kind in KINDS for side in (OLD, NEW)}
            known = {"number": fact.number, "ticket": ticket_of(fact, found), "language": fact.language}
            yield {**known, "changed": ";".join(kinds), **sides}


def _shown(drawn: Drawn, models: tuple[str, str]) -> dict[str, Any]:
    fact = drawn.fact
    sides = {f"{side}_{kind}": getattr(fact, side)[kind] for kind in KINDS for side in (OLD, NEW)}
    return {
        "number": fact.number, "language": fact.language, "changed": ";".join(kind for kind, _, _ in fact.changes()),
        "text": mask(clean(drawn.text)).text[:LONGEST], VERDICT: "", **sides, **dict(zip(MODELS, models, strict=True)),
    }  # fmt: skip
