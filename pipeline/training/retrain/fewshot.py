"""`python -m pipeline.training.retrain.fewshot build/data`: 5 and 10 examples a label on BANKING77 and ArBanking77.

The examples are drawn from the train split, the head is chosen on them alone, and the test split is read once a draw,
for the figure. An encoder that was fine-tuned on the intents of these sets has seen their train labels: its figures are
no few-shot figures, and the page says so.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

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
from pipeline.training.retrain.heads import fit, named
from pipeline.training.retrain.lessons import lessons, matrix, vectors_of
from pipeline.training.retrain.rows import Labelled
from pipeline.training.retrain.survey import VECTORS
from pipeline.training.retrain.writing import write_text
from pipeline.training.tables import table

SETS = ("banking77", "arbanking77")
SHOTS, SEEDS = (5, 10), (0, 1, 2, 3, 4)
_BYTES = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss
PUBLISHED = (
    """Published, on BANKING77 with 5 and 10 examples a label: 0.84 and 0.90 (ICDA), 0.78 and 0.85 (USE+ConveRT)."""
)
PAGE = """<!-- Written by `python -m pipeline.training.retrain.fewshot` from what was measured. -->
# Few examples a label

A frozen encoder, a head chosen by cross-validation on the examples alone (`nabd retrain`, recipe `heads`), the label's
own name as one more example. Mean over {seeds} draws of examples, ± one standard deviation; the whole test split.
Seconds are those of choosing and fitting, and of encoding the examples; memory is the process's at its peak.

{table}

`seen`: the encoder was fine-tuned on the train labels of this very set, so its figures are not those of a new label
set. The others show what a company may expect of labels that Nabd has never met.

{published}
"""


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


def render(found: Sequence[Measured], seen_by: Mapping[tuple[str, str], bool]) -> str:
    """The page; `seen_by` says of (model, set) whether the encoder has seen its labels."""
    groups: dict[tuple[str, str, int], list[Measured]] = defaultdict(list)
    for one in found:
        groups[one.source, one.model, one.shots].append(one)
    rows = [
        [
            source, model, "seen" if seen_by[model, source.partition(" ")[0]] else "new", shots,
            _spread([one.accuracy for one in draws]), _spread([one.macro_f1 for one in draws]),
            f"{np.mean([one.seconds for one in draws]):.1f}", f"{max(one.megabytes for one in draws):,.0f}",
        ]
        for (source, model, shots), draws in groups.items()
    ]  # fmt: skip
    header = ["set", "encoder of", "labels", "examples", "accuracy", "macro-F1", "seconds", "MB"]
    draws = max(map(len, groups.values()), default=0)
    return PAGE.format(seeds=draws, table=table(header, rows, text_columns=3), published=PUBLISHED)


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


def _spread(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else f"{values[0]:.3f}"


def main(
    data: Annotated[Path, typer.Argument(metavar="DIR", help="prepared data, written by `nabd data`")],
    model: Annotated[list[str] | None, typer.Option(help="folders below --models, one option each")] = None,
    models: Annotated[Path, typer.Option(metavar="DIR")] = Path("models"),
    out: Annotated[Path, typer.Option(metavar="FILE", help="the page to write")] = Path("docs/few-shot.md"),
    draws: Annotated[int, typer.Option(min=1, help="of examples")] = len(SEEDS),
    vectors: Annotated[Path, typer.Option(metavar="DIR", help="kept vectors")] = VECTORS,
) -> None:
    """Measure every model on both sets and write the page."""
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
    write_text(out, render(found, seen_by))
    typer.echo(f"Written to {out}")


if __name__ == "__main__":
    typer.run(main)
