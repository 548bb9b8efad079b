"""The recipe beside the baseline on dev: accuracy and macro-F1, and their paired difference with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.calibrate import Floats
from pipeline.taxonomy import Taxonomy
from pipeline.training.metrics import PAIRED_RESAMPLES, Estimate, Names, accuracy, macro_f1, resample
from pipeline.training.tables import LANGUAGES, figure, table

MEASURES = {"accuracy": accuracy, "macro_f1": macro_f1}
TITLES = {"accuracy": "accuracy", "macro_f1": "macro-F1"}
SYSTEMS = ("recipe", "linear", "difference")


@dataclass(frozen=True, slots=True)
class Said:
    """Of n rows (n,): the true topic, what each system says, and the language."""

    truth: Names
    recipe: Names
    linear: Names
    languages: Names


def topics_said(probabilities: Floats, table: Taxonomy) -> Names:
    """(n, topics) -> (n,): the best topic inside the best category, as `score()` decides."""
    parents = np.array([table.category_ids.index(label.parent) for label in table.topics])
    best = table.category_probabilities(probabilities).argmax(axis=1)
    inside = np.where(parents[None, :] == best[:, None], probabilities, -1.0)
    return np.array(table.topic_ids, np.str_)[inside.argmax(axis=1)] if len(probabilities) else np.array([], np.str_)


def compare(said: Said, *, seed: int) -> dict[str, Any]:
    """Language (or all) -> n, and for each measure the estimates of `recipe`, `linear` and their `difference`."""
    found = {}
    for language in ("all", *LANGUAGES):
        mine = np.full(len(said.truth), language == "all") | (said.languages == language)
        if mine.any() and language not in found:
            found[language] = _measured(said, mine, seed)
    return found


def render(found: Mapping[str, Any], recipe: str, *, title: str = "rows of dev") -> str:
    """Markdown: a row a language and measure."""
    rows = [
        [LANGUAGES[language], TITLES[measure], each["n"], *(figure(each[measure][system]) for system in SYSTEMS)]
        for language, each in found.items()
        for measure in MEASURES
    ]
    return table([title, "measure", "rows", recipe, "linear", "difference"], rows, text_columns=2)


def _measured(said: Said, mine: Any, seed: int) -> dict[str, Any]:
    counts = resample(int(mine.sum()), times=PAIRED_RESAMPLES, seed=seed)
    found: dict[str, Any] = {"n": int(mine.sum())}
    for name, measure in MEASURES.items():
        one, other = (measure(said.truth[mine], system[mine], counts) for system in (said.recipe, said.linear))
        values = {"recipe": one, "linear": other, "difference": one - other}
        found[name] = {system: Estimate.of(draws).to_dict() for system, draws in values.items()}
    return found
