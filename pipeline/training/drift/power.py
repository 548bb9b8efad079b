"""False alarms and power of `nabd drift` on real messages. `python -m pipeline.training.drift.power build/data`.

A desk's own messages are the gold train rows: real customer messages in three languages. Of them a reference and a
stream are drawn apart from each other; into the stream, a share of another domain's messages is mixed, as many of each
language, so that the language does not give them away. Only train rows are used.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from pipeline.bundle import Judged, load
from pipeline.drift.compare import RATE, compare
from pipeline.drift.sample import Sample, sample_of
from pipeline.records import Message
from pipeline.score import score
from pipeline.settings import load_settings, model_folder
from pipeline.training.drift.measured import Measured
from pipeline.training.drift.page import render
from pipeline.training.examples import Example, load_examples

HOME = "gold"
AWAY = {"ar": "arbanking77", "en": "banking77", "fa": "digikala-small"}  # a bank's, a bank's, a shop's
REFERENCE, STREAMS, MIXED = 1000, (100, 300, 1000), (0.1, 0.25, 0.5, 1.0)
DRAWS, DEALT = 200, 399
MODEL, PAGE = "nabd-fast", Path("docs/drift.md")

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """Scored messages, and which rows are the desk's own and which another domain's, by language."""

    sample: Sample
    home: Rows
    away: Mapping[str, Rows]

    def draw(
        self, size: int, mixed: float, random: np.random.Generator, *, reference: int = REFERENCE
    ) -> tuple[Sample, Sample]:  # fmt: skip
        """A reference and a stream without a row in common; the share `mixed` of the stream is of the other domain."""
        home = random.permutation(self.home)
        before, stream = home[:reference], home[reference : reference + size]
        foreign = round(mixed * size)
        spoken = Counter(self.sample.labels["language"][stream[:foreign]].tolist())
        other = [random.choice(self.away[language], count, replace=False) for language, count in spoken.items()]
        return take(self.sample, before), take(self.sample, np.concatenate([*other, stream[foreign:]]))


def run(data: Path, page: Path = PAGE, *, seed: int = 0) -> str:
    """Writes the page; returns it."""
    pool = pool_of(load_examples(data), seed=seed)
    cells = [(size, mixed) for mixed in (0.0, *MIXED) for size in STREAMS]
    plan = [(size, mixed, DRAWS) for size, mixed in cells]
    console = Console(stderr=True)
    found = [measure(pool, *each, seed=seed) for each in track(plan, description="Comparing", console=console)]
    away = ", ".join(f"{source} ({language})" for language, source in AWAY.items())
    text = render(found, model=pool.sample.model, reference=REFERENCE, rate=RATE, away=away)
    part = page.with_name(page.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(page)
    return text


def measure(
    pool: Pool, size: int, mixed: float, draws: int, *, seed: int, reference: int = REFERENCE, dealt: int = DEALT
) -> Measured:  # fmt: skip
    """`draws` comparisons, each of its own rows; chance is dealt `dealt` times in each."""
    sides = (
        pool.draw(size, mixed, np.random.default_rng([seed, draw, size]), reference=reference) for draw in range(draws)
    )
    found = (compare(*pair, rate=RATE, seed=draw, permutations=dealt) for draw, pair in enumerate(sides))
    return Measured.of(size, mixed, found)


def pool_of(examples: Sequence[Example], *, seed: int, model: str = MODEL) -> Pool:
    """The desk's own rows, and at most 2,000 of each language of the other domains, scored by a shipped model."""
    random, train = np.random.default_rng(seed), [each for each in examples if each.split == "train"]
    home = [each for each in train if each.source == HOME and each.lang in AWAY]
    rows = list(home)
    for language, source in AWAY.items():
        foreign = [each for each in train if (each.source, each.lang) == (source, language)]
        rows += [foreign[place] for place in random.permutation(len(foreign))[:2000].tolist()]
    sample = scored(rows, model)
    places = np.arange(len(rows))
    spoken, own = np.array([each.lang for each in rows]), places < len(home)
    return Pool(sample, places[own], {language: places[~own & (spoken == language)] for language in AWAY})


def scored(rows: Sequence[Example], model: str) -> Sample:
    """By the one flow; the language is that of the row's source, so that it is the same for every domain."""
    bundle = load(model_folder(model))
    heard: list[Judged] = []
    rules = load_settings(table=bundle.taxonomy).routes
    found = score([Message(row.text) for row in rows], bundle, rules, on_judged=heard.append)
    (judged,) = heard
    sample = sample_of(found, judged.vectors, judged.lengths)
    return replace(sample, labels={**sample.labels, "language": np.array([row.lang for row in rows])})


def take(sample: Sample, rows: Rows) -> Sample:
    """These rows alone."""
    return Sample(
        {name: column[rows] for name, column in sample.labels.items()},
        {name: column[rows] for name, column in sample.numbers.items()},
        None if sample.vectors is None else sample.vectors[rows],
        model=sample.model,
        messages=len(rows),
    )


if __name__ == "__main__":
    sys.stdout.write(run(Path(sys.argv[1])))
