"""`python -m pipeline.training.retrain.languages build/data`: a new label, taught in one language, in the other two.

On gold, train and dev only: each topic in turn is new. It is taught by its description and a few examples in one
language, the other topics by all their train rows; dev rows judge. Beside it the same topic with all its rows.
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.encoder import Vectors
from pipeline.errors import NabdError
from pipeline.score import prepare
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE
from pipeline.telemetry import switch_off
from pipeline.training.examples import Example, load_examples
from pipeline.training.retrain.heads import Candidate, fit_one
from pipeline.training.retrain.lessons import lessons, matrix, vectors_of
from pipeline.training.retrain.rows import Labelled
from pipeline.training.retrain.survey import VECTORS
from pipeline.training.retrain.writing import write_text
from pipeline.training.tables import ABSENT, LANGUAGES, number, table

SPOKEN = ("ar", "fa", "en")
EXAMPLES = 8  # of the new topic, in one language
HEAD = Candidate("discriminant", 0.4, described=True)  # the middle one of those `nabd retrain` tries
JUDGED_SHARE = 0.3  # of train, that judges beside dev and teaches nothing: dev alone has a handful a topic and language
ALL = "all"
PAGE = """<!-- Written by `python -m pipeline.training.retrain.languages` from what was measured. -->
# A new label in one language

Each topic of Nabd's in turn is taken for new. Its description and {examples} examples in **one** language teach it; the
other topics keep all their rows. Recall and F1 of the new topic are measured on rows of every language that taught
nothing (gold, train and dev splits), and averaged over topics. `all rows`: the topic is taught by all its rows in all
three languages, which is what the few examples are up against.
{tables}
The encoder of `nabd-base` was fine-tuned on rows of these topics, so its figures are kinder than those of a topic that
is truly new; that of `nabd-base-stated` was not fine-tuned at all.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """A topic taught in a language (or `ALL`): recall and F1 in the language `judged` of `rows` rows that have it."""

    topic: str
    taught: str
    judged: str
    rows: int
    recall: float
    f1: float


def leave_one_language_out(
    examples: Sequence[Example], bundle: Bundle, cache: Path,
    *, topics: Sequence[str] = DEFAULT.topic_ids, seed: int = 0,
) -> list[Result]:  # fmt: skip
    """Every topic but out of scope, taught in every language that has `EXAMPLES` rows of it, and in all."""
    rows = [_row(each, place + 1) for place, each in enumerate(_gold(examples))]
    rng = random.Random(seed)
    held = {row.number for row, each in zip(rows, _gold(examples), strict=True) if each.split == "dev"}
    held |= {row.number for row in rows if rng.random() < JUDGED_SHARE}
    teach, judge = [row for row in rows if row.number not in held], [row for row in rows if row.number in held]
    described = [(label.id, prepare(text).text) for label in DEFAULT.topics for text in (label.meaning, label.en)]
    vector_of = vectors_of([row.prepared for row in rows] + [text for _, text in described], bundle.encoder, cache)
    found = []
    for topic in track([each for each in topics if each != OUT_OF_SCOPE], "Topics", console=Console(stderr=True)):
        mine = [row for row in teach if row.label == topic]
        others = [row for row in teach if row.label != topic]
        for language in (*SPOKEN, ALL):
            spoken = [row for row in mine if language in (row.language, ALL)]
            if len(spoken) < EXAMPLES:
                continue
            few = spoken if language == ALL else rng.sample(spoken, EXAMPLES)
            found += _judge([*others, *few], judge, topic, language, (described, vector_of))
    return found


def _judge(
    teach: Sequence[Labelled], judge: Sequence[Labelled], topic: str, language: str,
    known: tuple[Sequence[tuple[str, str]], Mapping[str, Vectors]],
) -> list[Result]:  # fmt: skip
    described, vector_of = known
    given = lessons(teach, DEFAULT.topic_ids, vector_of, described=described)
    head = fit_one(given, HEAD, np.full(len(teach), True))
    said = head.logits(matrix([row.prepared for row in judge], vector_of)).argmax(axis=1) == DEFAULT.topic_ids.index(
        topic
    )
    found = []
    for spoken in SPOKEN:
        inside = np.array([row.language == spoken for row in judge])
        truth = np.array([row.label == topic for row in judge]) & inside
        hits, claimed = int((truth & said).sum()), int((said & inside).sum())
        if truth.any():
            f1 = 2 * hits / (truth.sum() + claimed)
            found.append(Result(topic, language, spoken, int(truth.sum()), hits / int(truth.sum()), float(f1)))
    return found


def render(found: Mapping[str, Sequence[Result]]) -> str:
    """The page of each model's results."""
    parts = [f"\n## {name}\n\n{summary(results)}\n\n{by_topic(results)}\n" for name, results in found.items()]
    return PAGE.format(examples=EXAMPLES, tables="".join(parts))


def summary(found: Sequence[Result]) -> str:
    """Taught in (rows) by judged in (columns): the mean of recall and F1 over topics."""
    rows = []
    for taught in (*SPOKEN, ALL):
        cells = []
        for spoken in SPOKEN:
            some = [each for each in found if (each.taught, each.judged) == (taught, spoken)]
            cells.append(f"{_mean(some, 'recall')} / {_mean(some, 'f1')}" if some else ABSENT)
        rows.append(["all rows" if taught == ALL else f"{EXAMPLES} in {LANGUAGES[taught]}", *cells])
    return table(["taught by", *(f"recall / F1, {LANGUAGES[spoken]}" for spoken in SPOKEN)], rows)


def by_topic(found: Sequence[Result]) -> str:
    """A row a topic: recall in its own language, in the other two, and with all its rows."""
    groups: dict[str, list[Result]] = defaultdict(list)
    for each in found:
        groups[each.topic].append(each)
    rows = []
    for topic, results in groups.items():
        same = [each for each in results if each.taught == each.judged]
        others = [each for each in results if each.taught not in (each.judged, ALL)]
        whole = [each for each in results if each.taught == ALL]
        cells = [f"{_mean(some, 'recall')} / {_mean(some, 'f1')}" if some else ABSENT for some in (same, others, whole)]
        rows.append([f"`{topic}`", *cells])
    return table(["topic", "the language taught in", "the other two", "all rows"], rows)


def _mean(found: Sequence[Result], measure: str) -> str:
    return number(float(np.mean([getattr(each, measure) for each in found])) if found else None)


def _gold(examples: Sequence[Example]) -> list[Example]:
    chosen = [row for row in examples if row.source == "gold" and row.split in ("train", "dev") and row.topic]
    return sorted(chosen, key=lambda row: row.id)


def _row(example: Example, number: int) -> Labelled:
    return Labelled(number, example.id, example.text, prepare(example.text).text, b"", example.lang, str(example.topic))


def main(
    data: Annotated[Path, typer.Argument(metavar="DIR", help="prepared data, written by `nabd data`")],
    model: Annotated[list[str] | None, typer.Option(help="folders below --models, one option each")] = None,
    models: Annotated[Path, typer.Option(metavar="DIR")] = Path("models"),
    out: Annotated[Path, typer.Option(metavar="FILE", help="the page to write")] = Path("docs/new-label.md"),
    vectors: Annotated[Path, typer.Option(metavar="DIR", help="kept vectors")] = VECTORS,
) -> None:
    """Measure every model and write the page."""
    switch_off()
    try:
        examples = load_examples(data)
        found = {
            name: leave_one_language_out(examples, bundles.load(models / name), vectors)
            for name in model or ("nabd-base-stated", "nabd-base")
        }
    except NabdError as error:
        print(f"languages: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    write_text(out, render(found))
    typer.echo(f"Written to {out}")


if __name__ == "__main__":
    typer.run(main)
