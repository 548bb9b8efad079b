"""What so many labels buy: the learning curve of labelled rows, chosen as `nabd review` chooses, or at random.

As at a desk, the model learns after every step, and the next messages are those that it is then unsure of. Each draw
has its own part of the rows to choose from; the head is that of recipe `heads`, at one strength.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import track

from pipeline.calibrate import Floats, fit_temperature, probabilities, uncertainty
from pipeline.encoder import Vectors
from pipeline.errors import InputError
from pipeline.training.metrics import Estimate, Names, macro_f1, names, resample
from pipeline.training.retrain.heads import Candidate, fit_one, out_of_fold
from pipeline.training.retrain.lessons import Lessons, lessons, matrix
from pipeline.training.retrain.rows import Labelled
from pipeline.training.review.choose import Pool, points

REVIEW, RANDOM = "review", "random"
SMALLEST, LARGEST = 25, 1_600  # labels; each step doubles them
DRAWS = 5
PART = 0.8  # of the rows, for each draw to choose from
HEAD = Candidate("discriminant", 0.4, described=False)

Chooser = Callable[[Pool, int], Sequence[int]]


@dataclass(frozen=True)
class Study:
    """`pool` are the rows to choose from, `dev` those to judge by; `ours` teach from the start, and count as no label.

    `vector_of` has the vector of every prepared text; `first` (n,) is how unsure the model at hand is of each row of
    `pool`, None where it does not know the labels.
    """

    pool: Sequence[Labelled]
    dev: Sequence[Labelled]
    ours: Sequence[Labelled]
    labels: Sequence[str]
    vector_of: Mapping[str, Vectors]
    first: Floats | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """With `labels` labels: by the way of choosing, macro-F1 on dev, and `gained`, how much more than at random."""

    labels: int
    reached: Mapping[str, Estimate]
    gained: Mapping[str, Estimate]


def learning_curve(study: Study, ways: Mapping[str, Chooser], *, draws: int = DRAWS, seed: int = 0) -> list[Point]:
    """A point for each number of labels, of `ways` and at random; the mean over draws, intervals of dev, resampled.

    Raises InputError when there are fewer than twice the smallest number of rows.
    """
    sizes = _sizes(int(PART * len(study.pool)))
    if len(sizes) < 2 or not study.dev:
        raise InputError(f"{len(study.pool)} rows to learn from are too few for a curve; label {3 * SMALLEST} or more")
    said: dict[str, list[list[Names]]] = {way: [] for way in (*ways, RANDOM)}
    for draw in track(range(draws), "Learning", console=Console(stderr=True), transient=True):
        for way in said:
            said[way].append(_one(study, sizes, ways.get(way), seed=seed * draws + draw))
    truth = names([row.label for row in study.dev])
    counts = resample(len(truth), seed=seed)
    return [_point(truth, counts, said, place, size) for place, size in enumerate(sizes)]


def _sizes(rows: int) -> list[int]:
    found = [SMALLEST]
    while 2 * found[-1] <= min(rows, LARGEST):
        found.append(2 * found[-1])
    return found if rows >= SMALLEST else []


def _one(study: Study, sizes: Sequence[int], way: Chooser | None, *, seed: int) -> list[Names]:
    """What is said of dev (n,) after each step of one draw; None is at random."""
    order = np.random.default_rng(seed).permutation(len(study.pool))[: int(PART * len(study.pool))]
    rows = [study.pool[place] for place in order.tolist()]
    vectors, dev = (matrix([row.prepared for row in given], study.vector_of) for given in (rows, study.dev))
    spoken = np.array([row.language for row in rows], np.str_)
    spread, unsure = points(vectors, spoken), None if study.first is None else study.first[order]
    chosen: list[int] = []
    said = []
    for size in sizes:
        if way is None:
            chosen = list(range(size))
        else:
            pool = Pool(spread, spoken, np.isin(np.arange(len(rows)), chosen), unsure)
            chosen += way(pool, size - len(chosen))
        given = _lessons(study, [rows[place] for place in chosen])
        head = fit_one(given, HEAD, np.full(len(given.truth), True))
        said.append(np.array(study.labels, np.str_)[head.logits(dev).argmax(axis=1)])
        if way is not None:
            unsure = uncertainty(probabilities(head.logits(vectors), temperature_of(given)))
    return said


def _lessons(study: Study, chosen: Sequence[Labelled]) -> Lessons:
    return lessons([*chosen, *study.ours], study.labels, study.vector_of)


def temperature_of(given: Lessons) -> float:
    """Of the rows that folds judge, each by a head that did not see it; 1 where there are none."""
    logits, judged = out_of_fold(given, HEAD)
    return fit_temperature(logits[judged], given.truth[judged]) if len(judged) else 1.0


def _point(truth: Names, counts: Floats, said: Mapping[str, Sequence[Sequence[Names]]], place: int, size: int) -> Point:
    found = {
        way: np.mean([macro_f1(truth, steps[place], counts) for steps in draws], axis=0) for way, draws in said.items()
    }
    gained = {way: Estimate.of(draws - found[RANDOM]) for way, draws in found.items() if way != RANDOM}
    return Point(size, {way: Estimate.of(draws) for way, draws in found.items()}, gained)
