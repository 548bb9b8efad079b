"""The reference that a shipped model brings: what it makes of the dev rows it was calibrated on.

`python -m pipeline.training.drift.reference build/data` writes it beside each model. It holds no text: labels, numbers,
and vectors reduced by random signs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.bundle import Bundle, load
from pipeline.drift.reference import FILE, save_reference
from pipeline.drift.sample import Sample, sample_of
from pipeline.drift.vocabulary import unknown_words
from pipeline.records import Message
from pipeline.score import prepare, score
from pipeline.settings import load_settings
from pipeline.training.examples import Example, load_examples, own_dev

MODELS = ("nabd-base", "nabd-fast", "nabd-cascade", "nabd-base-stated")


def reference_of(rows: Sequence[Example], bundle: Bundle) -> Sample:
    """Of labelled rows that `bundle` did not learn from, with the category that a person gave each."""
    vectors: list[Any] = []
    rules = load_settings(table=bundle.taxonomy).routes
    found = score([Message(row.text) for row in rows], bundle, rules, on_judged=lambda j: vectors.append(j.vectors))
    texts = [prepare(row.text).text for row in rows]
    sample = sample_of(found, vectors[0], [len(text) for text in texts])
    categories = bundle.taxonomy.category_of
    truth = np.array([categories[row.topic] if row.topic else "" for row in rows], np.str_)
    unknown = unknown_words(texts, bundle.version)
    numbers = sample.numbers if unknown is None else {**sample.numbers, "vocabulary": unknown}
    return replace(sample, numbers=numbers, truth=truth)


def write_references(data: Path, models: Path, names: Sequence[str]) -> None:
    """Beside the manifest of each model, from our own dev rows in `data`."""
    dev = own_dev(load_examples(data))
    for name in names:
        sample = reference_of(dev, load(models / name))
        save_reference(sample, str(models / name / FILE))
        print(f"{models / name / FILE}: {sample.size:,} messages")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="what `nabd data` wrote")
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("names", nargs="*", default=MODELS, help="folders of --models")
    args = parser.parse_args()
    write_references(args.data, args.models, args.names)
