"""`python -m pipeline.training.ablation DATA`: what each kind of row adds, by language. Writes docs/ablation.md.

Heads on the encoder as it was before fine-tuning, so that a run takes minutes: what a row adds to them is no proof of
what it adds to a fine-tuned encoder, but both read the same rows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.encoder import OnnxEncoder
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE
from pipeline.training.assemble import VectorOf, matrix
from pipeline.training.examples import Example, load_examples, own_dev, training_draw
from pipeline.training.linear import PER_GROUP, fit_head
from pipeline.training.metrics import Estimate, macro_f1, names, resample
from pipeline.training.tables import LANGUAGES, figure, table
from pipeline.training.train import vectors_of

Kept = Callable[[Example], bool]
KINDS: dict[str, Kept] = {
    "mapped": lambda row: not row.own,
    "gold": lambda row: row.source == "gold",
    "read": lambda row: row.own and row.source not in ("gold", "authored"),
    "authored": lambda row: row.source == "authored",
}
STEPS = (
    ("mapped",),
    ("mapped", "gold"),
    ("mapped", "gold", "read"),
    ("mapped", "gold", "read", "authored"),
    ("gold", "read", "authored"),
)
TASKS = ("category", "sentiment")
STRENGTHS = (0.001,)  # the same for all steps, so that they differ by their rows alone

PAGE = """# What each kind of row adds

Written by `make ablation`: logistic regression (C 0.001) on the vectors of the encoder before fine-tuning, judged on
gold test (the shipped models choose nothing by it). *mapped*: public sets, their labels mapped to ours;
*gold*: real messages of the shared set; *read*: more real messages, labelled by reading them with the same guide;
*authored*: written for this project. Brackets: 95% bootstrap intervals; they are wide, and a step is told from the one
above it only where they part.

"""


def main(data: Path, models: Path, out: Path, *, seed: int = 0) -> None:
    examples = load_examples(data)
    draw = training_draw(examples, per_group=PER_GROUP, seed=seed)
    dev = own_dev(examples)
    test = [row for row in examples if row.source == "gold" and row.split == "test"]
    encoder = OnnxEncoder(models / "encoder-frozen")
    every = [row for task in ("topic", "sentiment") for row in draw[task]]
    vector_of = vectors_of([*every, *dev, *test], encoder, data.parent / "vectors")
    rows = []
    for kinds in STEPS:
        found = measure(kinds, draw, dev, test, vector_of)
        used = sum(any(KINDS[kind](row) for kind in kinds) for row in draw["topic"])
        rows += [[" + ".join(kinds), task, used, *map(figure, cells)] for task, cells in found.items()]
        print(rows[-2:], file=sys.stderr)
    heads = ["rows", "macro-F1 of", "topic rows", *LANGUAGES.values()]
    out.write_text(PAGE + table(heads, rows, text_columns=2) + "\n", encoding="utf-8")
    print(out)


def measure(
    kinds: Sequence[str], draw: Mapping[str, Sequence[Example]], dev: Sequence[Example], test: Sequence[Example],
    vector_of: VectorOf,
) -> dict[str, list[dict[str, Any]]]:  # fmt: skip
    """Task -> an estimate a language, `all` first."""
    found = {}
    for task, trained in zip(TASKS, ("topic", "sentiment"), strict=True):
        rows = [row for row in draw[trained] if any(KINDS[kind](row) for kind in kinds)]
        head = fit_head(trained, rows, dev, vector_of, strengths=STRENGTHS)
        inside = [row for row in test if row.topic != OUT_OF_SCOPE]
        labels = DEFAULT.labels(trained)
        said = [labels[column] for column in head.logits(matrix(inside, vector_of)).argmax(axis=1)]
        truth = [str(row.label(trained)) for row in inside]
        if task == "category":
            said, truth = ([DEFAULT.category_of[topic] for topic in side] for side in (said, truth))
        found[task] = [_score(truth, said, inside, language) for language in LANGUAGES]
    return found


def _score(truth: Sequence[str], said: Sequence[str], rows: Sequence[Example], language: str) -> dict[str, Any]:
    mine = [place for place, row in enumerate(rows) if language in ("all", row.lang)]
    true, given = (names([side[place] for place in mine]) for side in (truth, said))
    return Estimate.of(macro_f1(true, given, resample(len(mine), seed=0))).to_dict()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/data"), Path("models"), Path("docs/ablation.md"))
