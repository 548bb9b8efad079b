"""The recipe beside the baseline on dev where a row may have several labels, by language, with paired intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.calibrate import Floats
from pipeline.training.metrics import RESAMPLES, Estimate, Names, average_precision, divided, resample
from pipeline.training.retrain.compare import SYSTEMS
from pipeline.training.retrain.multilabel.lessons import Truth
from pipeline.training.tables import LANGUAGES, figure, table

TITLES = {"micro_f1": "micro-F1", "macro_f1": "macro-F1", "average_precision": "mean average precision"}


@dataclass(frozen=True, slots=True)
class Sets:
    """What a system says of n rows: `given` (n, labels) and how probable each label is."""

    given: Truth
    chances: Floats


def micro_f1(truth: Truth, said: Sets, counts: Floats) -> Floats:
    """(draws,): F1 of all labels of all rows together."""
    hits, either = (counts @ each.sum(axis=1) for each in (truth & said.given, truth.astype(int) + said.given))
    return divided(2 * hits, either)


def macro_f1(truth: Truth, said: Sets, counts: Floats) -> Floats:
    """(draws,): F1 by label, averaged over those that the draw's truth holds."""
    hits, actual, claimed = counts @ (truth & said.given), counts @ truth, counts @ said.given
    with np.errstate(invalid="ignore"):
        return _mean(np.where(actual > 0, 2 * hits / (actual + claimed), np.nan))


def mean_average_precision(truth: Truth, said: Sets, counts: Floats) -> Floats:
    """(draws,): average precision by label, averaged over those that the draw's truth holds; levels play no part."""
    columns = np.flatnonzero(truth.any(axis=0))
    found = [average_precision(truth[:, column], said.chances[:, column], counts) for column in columns]
    return _mean(np.stack(found, axis=1)) if found else np.full(len(counts), np.nan)


MEASURES: Mapping[str, Callable[[Truth, Sets, Floats], Floats]] = {
    "micro_f1": micro_f1, "macro_f1": macro_f1, "average_precision": mean_average_precision,
}  # fmt: skip


def compare_sets(truth: Truth, recipe: Sets, linear: Sets, languages: Names, *, seed: int) -> dict[str, Any]:
    """Language (or all) -> n, and for each measure the estimates of `recipe`, `linear` and their `difference`."""
    found = {}
    for language in ("all", *LANGUAGES):
        mine = np.full(len(truth), language == "all") | (languages == language)
        if mine.any() and language not in found:
            pair = [Sets(each.given[mine], each.chances[mine]) for each in (recipe, linear)]
            found[language] = _measured(truth[mine], pair[0], pair[1], seed)
    return found


def render_sets(found: Mapping[str, Any], recipe: str, *, title: str = "rows of dev") -> str:
    """Markdown: a row a language and measure."""
    rows = [
        [LANGUAGES[language], TITLES[measure], each["n"], *(figure(each[measure][system]) for system in SYSTEMS)]
        for language, each in found.items()
        for measure in MEASURES
    ]
    return table([title, "measure", "rows", recipe, "linear", "difference"], rows, text_columns=2)


def _measured(truth: Truth, recipe: Sets, linear: Sets, seed: int) -> dict[str, Any]:
    counts = resample(len(truth), times=RESAMPLES, seed=seed)
    found: dict[str, Any] = {"n": len(truth)}
    for name, measure in MEASURES.items():
        one, other = (measure(truth, said, counts) for said in (recipe, linear))
        values = {"recipe": one, "linear": other, "difference": one - other}
        found[name] = {system: Estimate.of(draws).to_dict() for system, draws in values.items()}
    return found


def _mean(values: Floats) -> Floats:
    """(draws, labels) -> (draws,), without what is NaN; NaN where all is."""
    known = np.isfinite(values)
    sums, many = np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1)
    return divided(sums, many)
