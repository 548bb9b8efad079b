"""An error budget -> thresholds: `nabd calibrate --max-misroutes 5%`, on our dev rows or on a labelled export."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.calibrate import ANY, of_language
from pipeline.columns import find_roles
from pipeline.columns.names import labels_in, one_of
from pipeline.errors import InputError, UsageError
from pipeline.readers import open_source
from pipeline.records import Row
from pipeline.score import prepare
from pipeline.settings import ROUTES
from pipeline.taxonomy import Taxonomy
from pipeline.training import assemble
from pipeline.training.assemble import Answers, Labelled, category_answers, with_thresholds
from pipeline.training.examples import load_examples, own_dev
from pipeline.training.provenance import provenance
from pipeline.training.tables import ABSENT, table

FEWEST = 100  # labelled rows; fewer say too little of a budget


def run(bundle: Bundle, out: Path, labelled: Sequence[Labelled], *, allowed: float) -> str:
    """Writes the bundle `out`: `bundle` with thresholds that misroute at most the share `allowed` of `labelled`.

    Returns a table of them.
    """
    if len(labelled) < FEWEST:
        raise InputError(f"found {len(labelled)} labelled rows, expected {FEWEST} or more: label more of them")
    training = {**bundle.training, "max_error": allowed}
    found = replace(with_thresholds(bundle, labelled, max_error=allowed), name=out.name, training=training)
    digest = bundles.save(found, out, built=provenance())
    return f"{render(found, labelled)}\n\n{out} {digest[:8]}"


def take_routes(model: Path, out: Path) -> None:
    """The routes that the model brings for its own labels hold for `out` too."""
    if (model / ROUTES).exists() and model.resolve() != out.resolve():
        shutil.copyfile(model / ROUTES, out / ROUTES)


def parse_share(text: str) -> float:
    """`5%` or `0.05` -> 0.05. Raises UsageError for what is no share above 0 and below 1."""
    number, percent, rest = text.strip().partition("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = 0.0
    if rest or not 0 < share < 1:
        raise UsageError(f"--max-misroutes is {text!r}, expected a share such as 5% or 0.05")
    return share


def read_labelled(path: str, *, text: str | None, category: str, bundle: Bundle) -> list[Labelled]:
    """Rows of an export with the category, or the topic, that a person gave each; rows without one are left out.

    Raises InputError for a label that the bundle does not know, with its row.
    """
    found = []
    with open_source(path) as source:
        if category not in source.columns:
            raise UsageError(f"{path} has no column {category!r}; it has {', '.join(source.columns)}")
        roles = find_roles(source.columns, source.sample(200), text=text)
        for item in source:
            label = str(item.values.get(category) or "").strip()
            if not isinstance(item, Row) or not label:
                continue
            first, *others = _categories(label, bundle.taxonomy, f"row {item.number}: {category}")
            words = str(item.values.get(roles.text) or "")
            language = prepare(words).language.partition("-")[0]
            found.append(Labelled(words, language, first, others=tuple(others)))
    return found


def _categories(cell: str, table: Taxonomy, where: str) -> list[str]:
    """Of a label, or of each of several where a message may have them."""
    labels = labels_in(cell) if table.multilabel and cell not in table.category_of else (cell,)
    known = dict(zip(table.category_ids, table.category_ids, strict=True)) | dict(table.category_of)
    for label in labels:
        if label not in known:
            raise InputError(f"{where} is {label!r}, {one_of(label, list(known))}")
    return [known[label] for label in labels]


def dev_rows(data: Path) -> list[Labelled]:
    """The dev rows of prepared data that are labelled by our own guide."""
    return assemble.labelled(own_dev(load_examples(data)))


def render(bundle: Bundle, labelled: Sequence[Labelled]) -> str:
    """A row a language and category: the threshold, the rows it was fitted on, the share handed over, errors left."""
    answers = category_answers(bundle, labelled)
    languages = np.array([row.language for row in labelled])
    rows = []
    for language, levels in bundle.thresholds.items():
        mine = np.full(len(labelled), language == ANY) | (languages == language)
        for category, level in levels.items():
            chosen = mine & (answers.said == category)
            shown = f"{level:.3f}" if level <= 1 else "never alone"
            handed, wrong = _outcome(answers, chosen, answers.sure >= level)
            shares = (f"{handed:.0%}", f"{wrong:.1%}") if chosen.any() else (ABSENT, ABSENT)
            rows.append([language, category, shown, int(chosen.sum()), *shares])
    heads = ["language", "said to be", "threshold", "rows", "to a person", "misrouted of the rest"]
    said = zip(languages.tolist(), answers.said.tolist(), strict=True)
    needed = np.array([of_language(bundle.thresholds, language)[category] for language, category in said])
    handed, wrong = _outcome(answers, np.full(len(labelled), True), answers.sure >= needed)
    summary = f"Of {len(labelled):,} rows {handed:.0%} go to a person; {wrong:.1%} of the others are misrouted."
    return f"{table(heads, rows, text_columns=2)}\n\n{summary}"


def _outcome(answers: Answers, chosen: NDArray[np.bool_], sure: NDArray[np.bool_]) -> tuple[float, float]:
    """Of the `chosen` rows (n,): the share that goes to a person, and the share of errors among the others."""
    kept = chosen & sure
    wrong = float((~answers.right[kept]).mean()) if kept.any() else 0.0
    return float(1 - kept.sum() / max(chosen.sum(), 1)), wrong
