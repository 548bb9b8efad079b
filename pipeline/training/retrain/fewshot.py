"""`python -m pipeline.training.retrain.fewshot build/data`: 5 and 10 examples a label on BANKING77 and ArBanking77.

The examples are drawn from the train split, the head is chosen on them alone, and the test split is read once a draw,
for the figure. An encoder that was fine-tuned on the intents of these sets has seen their train labels: its figures are
no few-shot figures, and the table says so.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.encoder import Vectors
from pipeline.errors import NabdError
from pipeline.score import prepare
from pipeline.telemetry import switch_off
from pipeline.training.examples import Example, load_examples
from pipeline.training.metrics import accuracy, macro_f1, names
from pipeline.training.parity import FEW_SHOT
from pipeline.training.retrain.heads import fit, named
from pipeline.training.retrain.lessons import lessons, matrix, vectors_of
from pipeline.training.retrain.rows import Labelled
from pipeline.training.retrain.survey import VECTORS
from pipeline.training.retrain.writing import write_text

SETS = ("banking77", "arbanking77")
SHOTS, SEEDS = (5, 10), (0, 1, 2, 3, 4)
_BYTES = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss


@dataclass(frozen=True, slots=True)
class Measured:
    """One draw: what the test split gave, by source and dialect; `seconds` to encode, choose and fit."""

    model: str
    source: str
    shots: int
    accuracy: float
    macro_f1: float
    seconds: float
    megabytes: float
    head: str


def measure(
    examples: Sequence[Example], bundle: Bundle, cache: Path, *, source: str, shots: Sequence[int] = SHOTS,
    seeds: Sequence[int] = SEEDS,
) -> list[Measured]:  # fmt: skip
    """Every draw of every number of shots; empty where `examples` lack the source."""
    taught, judged = (_rows(examples, source, split) for split in ("train", "test"))
    if not taught or not judged:
        return []
    groups: dict[str, list[tuple[Example, Labelled]]] = defaultdict(list)
    for example, row in judged:
        groups[" ".join(filter(None, (source, example.dialect)))].append((example, row))
    vector_of = vectors_of([row.prepared for _, row in judged], bundle.encoder, cache)
    return [
        one
        for count in shots
        for seed in seeds
        for one in _draw(bundle, [row for _, row in taught], groups, vector_of, (count, seed))
    ]


def seen(bundle: Bundle, source: str) -> bool:
    """Whether the encoder was fine-tuned on the labels of `source`."""
    named_sources = {each["name"] for each in bundle.training.get("sources", ())}
    return bundle.training.get("recipe") != "heads" and source in named_sources


def summary(found: Sequence[Measured], seen_by: Mapping[tuple[str, str], bool]) -> list[dict[str, Any]]:
    """A plain record for each set, model and number of examples; `seen_by` is of (model, set)."""
    groups: dict[tuple[str, str, int], list[Measured]] = defaultdict(list)
    for one in found:
        groups[one.source, one.model, one.shots].append(one)
    return [
        {
            "set": source, "model": model, "seen": seen_by[model, source.partition(" ")[0]], "examples": shots,
            "draws": len(draws),
            "accuracy": _spread([one.accuracy for one in draws]), "macro_f1": _spread([one.macro_f1 for one in draws]),
            "seconds": round(float(np.mean([one.seconds for one in draws])), 1),
            "megabytes": round(max(one.megabytes for one in draws)),
        }
        for (source, model, shots), draws in groups.items()
    ]  # fmt: skip


def _rows(examples: Sequence[Example], source: str, split: str) -> list[tuple[Example, Labelled]]:
    """In the order of the ids, so that a draw does not depend on that of the file."""
    mine = sorted((row for row in examples if row.source == source and row.split == split), key=lambda row: row.id)
    return [
        (each, Labelled(place + 1, each.id, each.text, prepare(each.text).text, b"", each.lang, each.intent))
        for place, each in enumerate(mine)
        if each.intent
    ]


def _draw(
    bundle: Bundle, taught: Sequence[Labelled], groups: Mapping[str, Sequence[tuple[Example, Labelled]]],
    vector_of: Mapping[str, Vectors], drawn: tuple[int, int],
) -> list[Measured]:  # fmt: skip
    shots, seed = drawn
    by_label: dict[str, list[Labelled]] = defaultdict(list)
    for row in taught:
        by_label[row.label].append(row)
    rng, labels = random.Random(seed), sorted(by_label)
    chosen = [row for label in labels for row in rng.sample(by_label[label], min(shots, len(by_label[label])))]
    described = [(label, prepare(label.rpartition("/")[2]).text) for label in labels]
    start = time.perf_counter()
    texts = sorted({row.prepared for row in chosen} | {text for _, text in described})
    mine = dict(zip(texts, bundle.encoder.encode(texts), strict=True))
    fitted = fit(lessons(chosen, labels, mine, described=described, seed=seed))
    seconds = time.perf_counter() - start
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _BYTES / 1e6
    found = []
    for group, judged in groups.items():
        logits = fitted.head.logits(matrix([row.prepared for _, row in judged], vector_of))
        said, truth = names([labels[at] for at in logits.argmax(axis=1)]), names([row.label for _, row in judged])
        ones = np.ones((1, len(judged)))
        right, spread = (float(measured(truth, said, ones)[0]) for measured in (accuracy, macro_f1))
        found.append(Measured(bundle.name, group, shots, right, spread, seconds, megabytes, named(fitted.candidate)))
    return found


def _spread(values: Sequence[float]) -> dict[str, float]:
    deviation = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return {"mean": round(float(np.mean(values)), 4), "deviation": round(float(deviation), 4)}


def main(
    data: Annotated[Path, typer.Argument(metavar="DIR", help="prepared data, written by `nabd data`")],
    model: Annotated[list[str] | None, typer.Option(help="folders below --models, one option each")] = None,
    models: Annotated[Path, typer.Option(metavar="DIR")] = Path("models"),
    draws: Annotated[int, typer.Option(min=1, help="of examples")] = len(SEEDS),
    vectors: Annotated[Path, typer.Option(metavar="DIR", help="kept vectors")] = VECTORS,
) -> None:
    """Measure every model on both sets; `nabd evaluate` puts what is found into its page."""
    switch_off()
    found: list[Measured] = []
    seen_by = {}
    try:
        examples = load_examples(data)
        for name in model or ("nabd-base-stated", "nabd-base"):
            bundle = bundles.load(models / name)
            for source in SETS:
                seen_by[bundle.name, source] = seen(bundle, source)
                found += measure(examples, bundle, vectors, source=source, seeds=range(draws))
    except NabdError as error:
        print(f"fewshot: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    write_text(models / FEW_SHOT, json.dumps(summary(found, seen_by), indent=1) + "\n")
    typer.echo(f"Written to {models / FEW_SHOT}; `make evaluate` writes docs/results.md with it")


if __name__ == "__main__":
    typer.run(main)
