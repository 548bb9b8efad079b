"""The messages that are timed: held-out ones where `make data` ran, else the demo export."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from pipeline.batch import message
from pipeline.columns import find_roles
from pipeline.encoder import OnnxEncoder
from pipeline.errors import InputError
from pipeline.readers import open_source
from pipeline.records import Row
from pipeline.score import prepare
from pipeline.training.examples import load_examples


@dataclass(frozen=True, slots=True)
class Pool:
    """Distinct messages, others for TF-IDF and fastText to learn from, and where both come from, for people."""

    texts: tuple[str, ...]
    taught: tuple[str, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens a message, its prefix and marks included, as the encoder reads it."""

    mean: float
    median: float
    p95: float
    longest: int


def load_pool(data: Path, demo: Path, *, count: int, taught: int, seed: int) -> Pool:
    """At most `count` test messages and `taught` training ones of prepared `data`; of `demo` where there is none."""
    if not (data / "report.json").exists():
        texts = _demo_texts(demo)
        return Pool(tuple(texts[:count]), tuple(texts), "the demo export, data/demo.csv (`make data` has not run)")
    rng = random.Random(seed)
    examples = load_examples(data)
    test = list(dict.fromkeys(example.text for example in examples if example.split == "test"))
    train = list(dict.fromkeys(e.text for e in examples if e.split == "train" and e.train_ok))
    chosen = rng.sample(test, min(count, len(test)))
    origin = f"a random draw from the {len(test):,} test messages that `make data` gathered"
    return Pool(tuple(chosen), tuple(rng.sample(train, min(taught, len(train)))), origin)


def write_messages(path: Path, texts: Sequence[str], rows: int) -> Path:
    """A CSV export of `rows` messages: the texts, over and over."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "message"))
        writer.writerows((f"T-{number}", text) for number, text in enumerate(islice(cycle(texts), rows), 1))
    return path


def token_lengths(texts: Sequence[str], encoder: OnnxEncoder) -> Lengths:
    tokenizer = Tokenizer.from_file(str(encoder.folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    marked = [encoder.manifest["prefix"] + prepare(text).text for text in texts]
    counts = np.array([len(encoding.ids) for encoding in tokenizer.encode_batch_fast(marked)])
    return Lengths(float(counts.mean()), float(np.median(counts)), float(np.quantile(counts, 0.95)), int(counts.max()))


def _demo_texts(demo: Path) -> list[str]:
    if not demo.exists():
        raise InputError(f"there are no messages to time: run `make data`, or restore {demo.name}")
    with open_source(demo) as source:
        rows = [item for item in source if isinstance(item, Row)]
        roles = find_roles(source.columns, rows)
    return [message(row, roles).text for row in rows]
