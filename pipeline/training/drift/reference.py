"""The reference that a model brings: what it makes of the dev rows it was calibrated on.

Training writes it; `python -m pipeline.training.drift.reference build/data` writes those of the shipped models anew. It
holds no text: labels, numbers, and vectors reduced by random signs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.bundle import Bundle, Judged, load
from pipeline.drift.reference import FILE, save_reference
from pipeline.drift.sample import Sample, sample_of
from pipeline.drift.vocabulary import unknown_words
from pipeline.records import Message
from pipeline.route import Rule
from pipeline.score import prepare, score
from pipeline.training.examples import Example, load_examples, own_dev

MODELS = ("nabd-base", "nabd-fast", "nabd-cascade", "nabd-base-stated")
RULES = (Rule("all", "desk", "normal", 60),)  # labels are compared, and where they lead is not


def reference_of(texts: Sequence[str], topics: Sequence[str], bundle: Bundle, folder: Path) -> Sample:
    """Of messages that `bundle`, saved in `folder`, did not learn from; `topics` are what people gave, "" for none."""
    heard: list[Judged] = []
    found = score([Message(text) for text in texts], bundle, RULES, on_judged=heard.append)
    (judged,) = heard
    read = [prepare(text).text for text in texts]
    sample = sample_of(found, judged.vectors, judged.lengths)
    truth = np.array([bundle.taxonomy.category_of.get(topic, "") for topic in topics], np.str_)
    unknown = unknown_words(read, bundle.version, folder)
    numbers = sample.numbers if unknown is None else {**sample.numbers, "vocabulary": unknown}
    return replace(sample, numbers=numbers, truth=truth)


def write_reference(texts: Sequence[str], topics: Sequence[str], bundle: Bundle, folder: Path) -> None:
    """Beside the manifest in `folder`; where there are no rows, none is left there."""
    (folder / FILE).unlink(missing_ok=True)
    if texts:
        save_reference(reference_of(texts, topics, bundle, folder), str(folder / FILE))


def write_references(dev: Sequence[Example], folders: Sequence[Path]) -> None:
    """Of our own dev rows, for each model."""
    for folder in folders:
        write_reference([row.text for row in dev], [row.topic or "" for row in dev], load(folder), folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="what `nabd data` wrote")
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("names", nargs="*", default=MODELS, help="folders of --models")
    args = parser.parse_args()
    write_references(own_dev(load_examples(args.data)), [args.models / name for name in args.names])
