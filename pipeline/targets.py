"""What the shipped models were asked to reach, read beside a model's metrics: met, or by how much it was missed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

GAP = 0.05  # between the languages' category accuracies, at most


@dataclass(frozen=True, slots=True)
class Target:
    """`path` leads to the estimate in the metrics; `least` is what was asked, None: only to be reported.

    `language` is ar, fa or en, all for the three pooled, or "" where `data` says it.
    """

    data: str
    language: str
    metric: str
    least: float | None
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reached:
    """The estimate with its 95% interval; `missed_by` is at most 0 where the target is met, None where none was set."""

    target: Target
    value: float
    low: float | None
    high: float | None

    @property
    def missed_by(self) -> float | None:
        return None if self.target.least is None else self.target.least - self.value


def _by_language(metric: str, least: float, task: str, measure: str) -> tuple[Target, ...]:
    return tuple(
        Target("gold", language, metric, least, ("gold", language, task, measure)) for language in ("ar", "fa", "en")
    )


TARGETS = (
    Target("gold", "all", "category_macro_f1", 0.84, ("gold", "all", "category", "macro_f1")),
    *_by_language("category_accuracy", 0.85, "category", "accuracy"),
    *_by_language("sentiment_macro_f1", 0.84, "sentiment", "macro_f1"),
    Target("gold", "all", "emotion_macro_f1", 0.60, ("gold", "all", "emotion", "macro_f1")),
    Target("gold", "all", "urgency_macro_f1", 0.80, ("gold", "all", "urgency", "macro_f1")),
    Target("gold", "all", "churn_precision", None, ("gold", "all", "churn", "average_precision")),
    Target("banking77", "", "intents_accuracy", 0.925, ("intents", "banking77")),
    Target("arbanking77 MSA", "", "intents_micro_f1", 0.921, ("intents", "arbanking77 msa")),
    Target("arbanking77 Palestinian", "", "intents_micro_f1", 0.900, ("intents", "arbanking77 pal")),
    Target("snappfood", "", "two_classes_macro_f1", 0.875,
           ("sources", "snappfood", "fa", "sentiment", "head_macro_f1_neutral_masked")),
    Target("arsarcasm-v2", "", "polar_f1", 0.70, ("sources", "arsarcasm-v2", "ar", "sentiment", "head_polar_f1")),
)  # fmt: skip


def reached(metrics: Mapping[str, Any]) -> Iterator[Reached]:
    """Of every target that was measured, in their order."""
    for target in TARGETS:
        found = lookup(metrics, target.path)
        if found is not None and (value := found["value"]) is not None:
            yield Reached(target, float(value), found["low"], found["high"])


def lookup(metrics: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, float | None] | None:
    """The estimate at `path`, None where nothing was measured."""
    found: Any = metrics
    for name in path:
        found = found.get(name, {})
    return found or None


def widest_gap(metrics: Mapping[str, Any]) -> float | None:
    """Between the languages' category accuracies, to be held against `GAP`; None where they were not measured."""
    gaps = [float(each["gap"]) for each in metrics.get("parity", {}).get("gold category", {}).values()]
    return max(gaps, default=None)


def within_chance(metrics: Mapping[str, Any]) -> tuple[int, int]:
    """Of the certificate's calibration errors by task and language: how many are no more than chance, of how many."""
    cards = {name: card for name, card in metrics.get("certificate", {}).get("languages", {}).items() if name != "all"}
    checks = [bool(found["within"]) for card in cards.values() for found in card.values()]
    return sum(checks), len(checks)
