"""What the int8 encoder loses to the fp32 one it was made from: accuracy of the same heads on every dev set."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from pipeline.encoder import OnnxEncoder, Vectors
from pipeline.heads import Heads
from pipeline.score import prepare
from pipeline.taxonomy import TASKS
from pipeline.training.assemble import VectorOf
from pipeline.training.examples import Example
from pipeline.training.export import encode_torch, load_torch

PER_SET = 400  # rows of each public dev set


def compare(
    tuned: Path, small: OnnxEncoder, heads: Heads, examples: Sequence[Example], *, seed: int = 0
) -> list[dict[str, Any]]:
    """A row a dev set and task: how many rows, and the accuracy of fp32 and of int8. Own rows count as one set."""
    sets: dict[str, list[Example]] = {}
    for row in examples:
        if row.split == "dev":
            sets.setdefault("own" if row.own else f"{row.source} ({row.lang})", []).append(row)
    rng = random.Random(seed)
    drawn = {name: rows if name == "own" else rng.sample(rows, min(PER_SET, len(rows))) for name, rows in sets.items()}
    texts = sorted({row.text for rows in drawn.values() for row in rows})
    prepared = [prepare(text).text for text in texts]
    tokenizer = Tokenizer.from_file(str(tuned / "tokenizer.json"))
    exact = encode_torch(load_torch(tuned), tokenizer, prepared, pad=int(small.manifest["pad_id"]))
    pairs = [dict(zip(texts, vectors, strict=True)) for vectors in (exact, small.encode(prepared))]
    return [row for name, rows in sorted(drawn.items()) for row in _tasks(name, rows, heads, pairs)]


def _tasks(name: str, rows: Sequence[Example], heads: Heads, pairs: Sequence[VectorOf]) -> list[dict[str, Any]]:
    found = []
    for task in TASKS:
        chosen = [row for row in rows if row.label(task) is not None]
        if chosen:
            exact, small = (_accuracy(task, chosen, heads, vector_of) for vector_of in pairs)
            found.append({"set": name, "task": task, "n": len(chosen), "fp32": exact, "int8": small})
    return found


def _accuracy(task: str, rows: Sequence[Example], heads: Heads, vector_of: Mapping[str, Vectors]) -> float:
    logits = heads.logits(np.stack([vector_of[row.text] for row in rows]))[task]
    said = [heads.labels[task][column] for column in logits.argmax(axis=1)]
    return round(float(np.mean([row.label(task) == label for row, label in zip(rows, said, strict=True)])), 4)
