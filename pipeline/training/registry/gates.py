"""The gates that figures decide: is the challenger worse than the champion on the same rows, by more than chance?

Every difference is the challenger's value less the champion's, its interval a paired bootstrap over the gate rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.calibrate import Floats
from pipeline.taxonomy import LABELS
from pipeline.training.metrics import Names, macro_f1, names, resample
from pipeline.training.registry.trial import Trial
from pipeline.training.scorecard import Case

PERMUTATIONS = 1_000
BLOCKS, BLOCK = 8, 250  # draws of the bootstrap, in blocks so that many rows take no more memory than few
OWN = ("topic", "category")  # a company may have labels of its own here
TASKS = (*OWN, *LABELS)


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition of a promotion: what was found and what was asked."""

    name: str
    passed: bool
    found: str
    asked: str


@dataclass(frozen=True, slots=True)
class Change:
    """A difference and its one-sided bounds."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def quality(trial: Trial) -> list[Gate]:
    """A gate for each task that the rows are labelled for."""
    tasks = [task for task in TASKS if any(new.truth(task) is not None for new in trial.new.cases)]
    return [_quality(trial, task) for task in tasks if task != "category" or not _same_as_topics(trial)]


def _quality(trial: Trial, task: str) -> Gate:
    """Macro-F1: the lower bound of the change lies above the margin.

    A champion that does not know the labels is easily beaten: there, chance must be beaten, too.
    """
    pairs = [pair for pair in _pairs(trial) if pair[0].truth(task) is not None]
    truth = names([new.truth(task) for new, _ in pairs])
    several = trial.new.bundle.taxonomy.multilabel  # each model is right with any topic of the row
    before = names([old.truth(task) for _, old in pairs]) if several else truth
    new, old = (names([_said(case, task) for case in cases]) for cases in zip(*pairs, strict=True))

    def gained(counts: Floats) -> Floats:
        return macro_f1(truth, new, counts) - macro_f1(before, old, counts)

    margin = trial.margins.quality
    change = _change(resampled(gained, len(pairs), seed=trial.seed), trial.margins.confidence)
    passed, more, asked = change.low > -margin, "", f"lower bound above {-margin:+.3f}"
    if not passed and change.value > -margin:
        more = f"; about {_needed(change, margin, len(pairs)):,} rows would tell"
    if task in OWN and len(_known(trial)) < len(pairs):
        # `before`, not `truth`: of several topics that one is chosen by the answers, which would then beat chance
        chance, most = _by_chance(before, new, seed=trial.seed), 1 - trial.margins.confidence
        passed, asked = passed and chance <= most, f"{asked}, and by chance with p at most {most:.3f}"
        more += f"; the champion does not know all these labels; by chance with p = {chance:.3f}"
    reached = macro_f1(truth, new, np.ones((1, len(pairs))))[0]
    line = f"macro-F1 {reached:.3f}, change {change} on {len(pairs):,} rows{more}"
    return Gate(f"quality: {task}", passed, line, asked)


def _by_chance(truth: Names, said: Names, *, seed: int) -> float:
    """How often the same answers, dealt out to the rows at random, have as high a macro-F1: a permutation test's p."""
    rng, once = np.random.default_rng(seed), np.ones((1, len(truth)))
    reached = float(macro_f1(truth, said, once)[0])
    dealt = [float(macro_f1(truth, rng.permutation(said), once)[0]) for _ in range(PERMUTATIONS)]
    return (1 + sum(each >= reached for each in dealt)) / (1 + PERMUTATIONS)


def languages(trial: Trial) -> Gate:
    return _slices(
        trial,
        "language",
        lambda case: case.example.lang,
        rows=trial.margins.language_rows,
        margin=trial.margins.language,
    )


def topics(trial: Trial) -> Gate:
    return _slices(
        trial, "topic", lambda case: str(case.example.topic), rows=trial.margins.topic_rows, margin=trial.margins.topic
    )


def parity(trial: Trial) -> Gate:
    """The gap between the languages with the best and the worst accuracy is no wider, on labels that both know."""
    margins, known = trial.margins, _known(trial)
    asked = f"no wider by more than {margins.parity:.3f}, beyond chance"
    of_row = np.array([trial.new.cases[place].example.lang for place in known], np.str_)
    judged = [name for name, rows in _sizes(of_row).items() if rows >= margins.language_rows]
    if len(judged) < 2:
        few = f"fewer than two languages of {margins.language_rows} rows with labels that both models know"
        return Gate("parity", True, f"{few}: not judged", asked)
    new, old = (np.array([pair[side] for pair in _right(trial)])[known] for side in (0, 1))

    def gap(right: NDArray[np.bool_], counts: Floats) -> Floats:
        mine = [(of_row == name, counts[:, of_row == name]) for name in judged]
        shares = [drawn @ right[chosen] / _sums(drawn) for chosen, drawn in mine]
        return np.asarray(np.nanmax(shares, axis=0) - np.nanmin(shares, axis=0))

    draws = resampled(lambda counts: gap(new, counts) - gap(old, counts), len(of_row), seed=trial.seed)
    change = _change(draws, margins.confidence)
    worse = change.value > margins.parity and change.low > 0
    return Gate("parity", not worse, f"gap changed by {change} over {', '.join(judged)}", asked)


def calibration(trial: Trial, certified: Mapping[str, Any]) -> Gate:
    """The calibration error of the category, of all languages and of each, is near what chance alone would give."""
    margins = trial.margins
    cards = {name: tasks["category"] for name, tasks in certified["languages"].items() if "category" in tasks}
    judged = {name: card for name, card in cards.items() if card["n"] >= margins.language_rows}
    beyond = {name: card["ece"] - card["ceiling"] for name, card in judged.items()}
    asked = f"at most {margins.calibration:.3f} beyond chance's own"
    if not judged:
        return Gate("calibration", False, f"no {margins.language_rows} rows to judge it by", asked)
    worst = max(beyond, key=beyond.__getitem__)
    line = f"{worst}: ECE {judged[worst]['ece']:.3f}, chance's own {judged[worst]['ceiling']:.3f}"
    return Gate("calibration", beyond[worst] <= margins.calibration, line, asked)


def resampled(measure: Callable[[Floats], Floats], rows: int, *, seed: int) -> Floats:
    """(1 + draws,): `measure` of the rows as they are, then of every draw."""
    blocks = [measure(resample(rows, times=BLOCK, seed=seed * BLOCKS + block)) for block in range(BLOCKS)]
    return np.concatenate([blocks[0][:1], *(block[1:] for block in blocks)])


def _slices(trial: Trial, name: str, key: Callable[[Case], str], *, rows: int, margin: float) -> Gate:
    """Accuracy within each slice. Of many, some fall by chance, so each is held to its share of the error rate."""
    of_row = np.array([key(new) for new, _ in _pairs(trial)])
    gained = np.array([float(new) - float(old) for new, old in _right(trial)])
    sizes = _sizes(of_row)
    judged = [each for each, size in sizes.items() if size >= rows]
    level = 1 - (1 - trial.margins.confidence) / max(len(judged), 1)
    changes = {each: _mean_change(gained[of_row == each], level, seed=trial.seed) for each in judged}
    worse = {each: change for each, change in changes.items() if change.value < -margin and change.high < 0}
    shown = worse or dict(sorted(changes.items(), key=lambda pair: pair[1].value)[:1])
    lines = [f"{each} {change} of {sizes[each]:,} rows" for each, change in shown.items()]
    if left_out := len(sizes) - len(judged):
        lines.append(f"{left_out} of fewer than {rows} rows not judged")
    asked = f"accuracy of none of {len(judged)} lower by more than {margin:.3f}, beyond chance"
    return Gate(f"{name} slices", not worse, "; ".join(lines), asked)


def _mean_change(gained: Floats, level: float, *, seed: int) -> Change:
    return _change(resampled(lambda counts: counts @ gained / _sums(counts), len(gained), seed=seed), level)


def _change(draws: Floats, level: float) -> Change:
    drawn = draws[1:][np.isfinite(draws[1:])]
    low, high = np.quantile(drawn, (1 - level, level)) if len(drawn) else (np.nan, np.nan)
    return Change(float(draws[0]), float(low), float(high))


def _needed(change: Change, margin: float, rows: int) -> int:
    """Gate rows with which a change of this size would pass: an interval narrows with the root of the rows."""
    wide, room = change.value - change.low, change.value + margin
    return int(np.ceil(rows * (wide / room) ** 2 / 100) * 100)


def _pairs(trial: Trial) -> list[tuple[Case, Case]]:
    return list(zip(trial.new.cases, trial.old.cases, strict=True))


def _right(trial: Trial) -> list[tuple[bool, bool]]:
    """Whether each model has the topic right."""
    return [
        (_said(new, "topic") == new.example.topic, _said(old, "topic") == new.example.topic)
        for new, old in _pairs(trial)
    ]


def _known(trial: Trial) -> list[int]:
    """The places of the rows whose topic is a label of the champion, too."""
    labels = trial.old.bundle.taxonomy.category_of
    return [place for place, case in enumerate(trial.new.cases) if case.example.topic in labels]


def _said(case: Case, task: str) -> str | None:
    said = case.answer[task]
    return said.label if said else None


def _same_as_topics(trial: Trial) -> bool:
    return all(topic == category for topic, category in trial.new.bundle.taxonomy.category_of.items())


def _sizes(of_row: Any) -> dict[str, int]:
    found, counts = np.unique(of_row, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _sums(counts: Floats) -> Floats:
    """(draws,), NaN where a draw has none of the rows."""
    sums = counts.sum(axis=1)
    return np.where(sums > 0, sums, np.nan)
