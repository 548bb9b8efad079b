"""`python -m pipeline.training.tradeoff DATA`: what the cascade costs and gains at each level. Writes docs/cascade.md.

Every level is timed on the same messages in turns, so that their ratios mean something.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.errors import NabdError
from pipeline.score import Prepared, prepare
from pipeline.training.cascade import ACCEPTS, cascade_curve
from pipeline.training.examples import load_examples
from pipeline.training.figures import draw_cascade
from pipeline.training.tables import table

MESSAGES, ROUNDS = 1_000, 3
PAGE = """# The cascade: accuracy against speed

Written by `make bench` with {cascade} ({fast} in front of {full}). The student answers a message alone where its
category is as probable as *accept*; at 0 it answers all that it finds familiar, above 1 every message goes on to the
full model. Accuracy is on gold test, all rows; speed is of encoder and heads alone, {messages:,} test messages already
normalised, the median of {rounds} rounds in turns on this machine. The level in bold was chosen on dev: the lowest that
loses at most {loss:g} of macro-F1 there.

![Category macro-F1 against messages a second](cascade.svg)

{table}
"""


def main(data: Path, models: Path, docs: Path, *, seed: int = 0) -> None:
    cascade = bundles.load(models / "nabd-cascade")
    fast, full = cascade.fast, replace(cascade, fast=None)
    assert fast is not None  # nosec B101 # for the types: a cascade has one
    examples = load_examples(data)
    test = [row for row in examples if row.split == "test"]
    gold = [row for row in test if row.source == "gold"]
    drawn = random.Random(seed).sample(test, min(MESSAGES, len(test)))
    rates = _rates(cascade, [prepare(row.text) for row in drawn])
    points: list[dict[str, Any]] = [
        {**asdict(point), "rate": rate} for point, rate in zip(cascade_curve(fast, full, gold), rates, strict=True)
    ]
    draw_cascade(points, docs / "cascade.svg", chosen=cascade.accept)
    last = points[-1]
    rows = [
        [
            f"**{each['accept']:.2f}**" if each["accept"] == cascade.accept else f"{each['accept']:.2f}",
            f"{each['share']:.0%}", f"{each['macro_f1']:.3f}", f"{each['macro_f1'] - last['macro_f1']:+.3f}",
            f"{each['accuracy']:.3f}", f"{each['rate']:,.0f}", f"{each['rate'] / last['rate']:.1f}",
        ]
        for each in points
    ]  # fmt: skip
    heads = [
        "accept",
        "by the student",
        "category macro-F1",
        "to the full model",
        "accuracy",
        "messages/s",
        "times the full model",
    ]
    said = PAGE.format(
        cascade=cascade.version, fast=fast.version, full=cascade.training["full"][:8], messages=len(drawn),
        rounds=ROUNDS, loss=cascade.training["loss"], table=table(heads, rows),
    )  # fmt: skip
    (docs / "cascade.md").write_text(said, encoding="utf-8")
    print(docs / "cascade.md")


def _rates(cascade: Bundle, messages: Sequence[Prepared]) -> list[float]:
    """Messages a second at each level of `ACCEPTS`."""
    texts, languages = [each.text for each in messages], [each.language for each in messages]
    levels = [replace(cascade, accept=accept) for accept in ACCEPTS]
    taken: list[list[float]] = [[] for _ in levels]
    for turn in range(ROUNDS + 1):
        for level, seconds in zip(levels, taken, strict=True):
            start = time.perf_counter()
            level.judge(texts, languages)
            if turn:  # the first warms up
                seconds.append(time.perf_counter() - start)
    return [len(texts) / median(seconds) for seconds in taken]


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/data"), Path("models"), Path("docs"))
    except NabdError as error:
        sys.exit(f"tradeoff: {error}")
