"""`python -m pipeline.training.review.measure build/data`: is what `nabd review` chooses better than chance?

Of real messages labelled by hand, gold train is chosen from, and every row of dev labelled by the same guide judges.
The encoder is the one from before fine-tuning, which saw none of them. Writes docs/review.md.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from pipeline.calibrate import Floats, probabilities, uncertainty
from pipeline.encoder import Encoder, OnnxEncoder, Vectors
from pipeline.errors import NabdError
from pipeline.score import prepare
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE
from pipeline.training.examples import Example, load_examples, own_dev
from pipeline.training.retrain.heads import fit_one
from pipeline.training.retrain.lessons import lessons, matrix, vectors_of
from pipeline.training.retrain.rows import Labelled
from pipeline.training.retrain.survey import VECTORS
from pipeline.training.retrain.writing import write_text
from pipeline.training.review.choose import Pool, choose
from pipeline.training.review.curve import (
    DRAWS,
    HEAD,
    PART,
    RANDOM,
    REVIEW,
    Chooser,
    Point,
    Study,
    learning_curve,
    temperature_of,
)
from pipeline.training.review.view import curve_table, verdict

UNSURE = "unsure"
TITLES = {REVIEW: "`nabd review`", UNSURE: "uncertainty alone", RANDOM: "at random"}
PAGE = """<!-- Written by `python -m pipeline.training.review.measure` from what was measured. -->
# Which messages to label

`nabd review` puts the messages of each language into clusters and picks the one in the middle of each, never two that
say the same; once the model knows the labels, only from what it is least sure of. Is that better than to label messages
as they come?

Topic macro-F1 on {dev:,} real messages of dev, after so many labels of {pool:,} real messages of gold train, in Arabic,
Persian and English. The model learns after every step, and the next messages are those that it then is unsure of. Mean
over {draws} draws, each from its own {part:.0%} of the rows; 95% bootstrap intervals over the rows of dev, those of
gains paired. The encoder is the one from before fine-tuning, which saw none of these messages; the head is a shrunk
discriminant, as in recipe `heads`. *Uncertainty alone* takes what the model is least sure of, whatever it says.

Which way to choose was settled on gold train, one half of it to choose from and the other to judge by, after first
trials on the gold rows of dev. The differences between the two ways are within what those trials varied by. No row of
test was looked at.

## Labels of your own

Only the messages out of scope that come with Nabd teach from the start, as with label names of your own, and there is
no model that knows the labels before the first step: *uncertainty alone* begins at random.

{own}

## Nabd's labels

The {ours:,} messages that were written for Nabd teach from the start, and the labels come on top.

{known}
"""


def least_certain(pool: Pool, budget: int) -> list[int]:
    """Uncertainty sampling as it is (Lewis and Gale 1994): what `choose` is compared with.

    Where nothing is known of it, the first messages: those of a curve are in random order.
    """
    unsure = np.zeros(len(pool.points)) if pool.uncertainty is None else pool.uncertainty
    order = np.argsort(-np.where(pool.labelled, -1.0, unsure), kind="stable")
    return [int(place) for place in order[:budget]]


def rows_of(examples: Sequence[Example]) -> list[Labelled]:
    """Those with a topic, as rows of an export."""
    return [
        Labelled(place, row.id, row.text, prepare(row.text).text, b"", row.lang, row.topic)
        for place, row in enumerate(examples, 1)
        if row.topic
    ]


def first_unsure(pool: Sequence[Labelled], ours: Sequence[Labelled], vector_of: Mapping[str, Vectors]) -> Floats:
    """(n,): how unsure a head is that learnt from our own messages alone."""
    given = lessons([replace(row, number=place) for place, row in enumerate(ours, 1)], DEFAULT.topic_ids, vector_of)
    logits = fit_one(given, HEAD, np.full(len(ours), True)).logits(matrix([row.prepared for row in pool], vector_of))
    return uncertainty(probabilities(logits, temperature_of(given)))


def measure(examples: Sequence[Example], encoder: Encoder, vectors: Path, *, draws: int) -> str:
    """The page."""
    gold = [row for row in examples if row.source == "gold" and row.split == "train" and row.train_ok]
    pool, dev = rows_of(gold), rows_of(own_dev(examples))
    ours = [replace(row, number=0) for row in rows_of([row for row in examples if row.source == "authored"])]
    vector_of = vectors_of([row.prepared for row in (*pool, *dev, *ours)], encoder, vectors)
    outside = [row for row in ours if row.label == OUT_OF_SCOPE]
    studies = {
        "own": Study(pool, dev, outside, DEFAULT.topic_ids, vector_of),
        "known": Study(pool, dev, ours, DEFAULT.topic_ids, vector_of, first_unsure(pool, ours, vector_of)),
    }
    ways: dict[str, Chooser] = {REVIEW: choose, UNSURE: least_certain}
    curves = {name: learning_curve(each, ways, draws=draws) for name, each in studies.items()}
    return render(curves, dev=len(dev), pool=len(pool), ours=len(ours), draws=draws)


def render(curves: Mapping[str, Sequence[Point]], **counts: int) -> str:
    """The page of the curves `own` and `known`; `counts` are of rows and draws."""
    shown = {name: f"{curve_table(each, TITLES)}\n\n{verdict(each, TITLES)}" for name, each in curves.items()}
    return PAGE.format(part=PART, **counts, **shown)


def main(
    data: Annotated[Path, typer.Argument(metavar="DIR", help="prepared data, written by `nabd data`")],
    encoder: Annotated[Path, typer.Option(metavar="DIR")] = Path("models/encoder-frozen"),
    out: Annotated[Path, typer.Option(metavar="FILE", help="the page to write")] = Path("docs/review.md"),
    draws: Annotated[int, typer.Option(min=1)] = DRAWS,
    vectors: Annotated[Path, typer.Option(metavar="DIR", help="kept vectors")] = VECTORS,
) -> None:
    """Measure and write the page."""
    try:
        write_text(out, measure(load_examples(data), OnnxEncoder(encoder), vectors, draws=draws))
    except NabdError as error:
        print(f"measure: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    typer.echo(f"Written to {out}")


if __name__ == "__main__":
    typer.run(main)
