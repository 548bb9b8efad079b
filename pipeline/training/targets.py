"""What this model was asked to reach, beside what was measured: met, or by how much it was missed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.training.tables import ABSENT, LANGUAGES, figure, table

GAP, CASCADE_LOSS = 0.05, 0.01


@dataclass(frozen=True, slots=True)
class Target:
    """`path` leads to the estimate in the metrics; `least` is what was asked, None: only to be reported."""

    data: str
    metric: str
    least: float | None
    path: tuple[str, ...]


def _by_language(metric: str, least: float, task: str, measure: str) -> tuple[Target, ...]:
    return tuple(
        Target(f"gold, {LANGUAGES[language]}", metric, least, ("gold", language, task, measure))
        for language in ("ar", "fa", "en")
    )


TARGETS = (
    Target("gold, pooled", "category macro-F1, rows in scope", 0.84, ("gold", "all", "category", "macro_f1")),
    *_by_language("category accuracy, 5 classes", 0.85, "category", "accuracy"),
    *_by_language("sentiment macro-F1", 0.84, "sentiment", "macro_f1"),
    Target("gold, pooled", "emotion macro-F1", 0.60, ("gold", "all", "emotion", "macro_f1")),
    Target("gold, pooled", "urgency macro-F1", 0.80, ("gold", "all", "urgency", "macro_f1")),
    Target("gold, pooled", "churn average precision", None, ("gold", "all", "churn", "average_precision")),
    Target("banking77", "accuracy of 77 intents", 0.925, ("intents", "banking77")),
    Target("arbanking77 MSA", "micro-F1 of 77 intents", 0.921, ("intents", "arbanking77 msa")),
    Target("arbanking77 Palestinian", "micro-F1 of 77 intents", 0.900, ("intents", "arbanking77 pal")),
    Target("snappfood", "macro-F1 of 2 classes, neutral masked", 0.875,
           ("sources", "snappfood", "fa", "sentiment", "head_macro_f1_neutral_masked")),
    Target("arsarcasm-v2", "F1 of positive and negative", 0.70,
           ("sources", "arsarcasm-v2", "ar", "sentiment", "head_polar_f1")),
)  # fmt: skip


def targets_table(metrics: Mapping[str, Any]) -> str:
    """Every target with its figure and verdict."""
    rows = [*map(list, _estimates(metrics)), *_others(metrics)]
    return table(["data", "metric", "at least", "measured", ""], rows, text_columns=2)


def lookup(metrics: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, float | None] | None:
    """The estimate at `path`, None where nothing was measured."""
    found: Any = metrics
    for name in path:
        found = found.get(name, {})
    return found or None


def _estimates(metrics: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    for target in TARGETS:
        found = lookup(metrics, target.path)
        if figure(found) == ABSENT:
            continue
        value = float((found or {})["value"] or 0)
        asked = "reported" if target.least is None else f"{target.least:.3f}"
        verdict = (
            "" if target.least is None else "met" if value >= target.least else f"missed by {target.least - value:.3f}"
        )
        yield target.data, target.metric, asked, figure(found), verdict


def _verdict(value: float, least: float | None) -> str:
    if least is None:
        return ""
    return "met" if value >= least else f"missed by {least - value:.3f}"


def _others(metrics: Mapping[str, Any]) -> Iterator[list[str]]:
    gaps = [each["gap"] for each in metrics["parity"].get("gold category", {}).values()]
    if gaps:
        gap = max(gaps)
        verdict = "met" if gap <= GAP else f"missed by {gap - GAP:.3f}"
        yield ["gold, languages", "gap in category accuracy", f"at most {GAP}", f"{gap:.3f}", verdict]
    cards = {name: card for name, card in metrics["certificate"]["languages"].items() if name != "all"}
    checks = [found["within"] for card in cards.values() for found in card.values()]
    if checks:
        verdict = "met" if all(checks) else "missed"
        yield [
            "gold",
            "calibration error, by task and language",
            "chance",
            f"{sum(checks)} of {len(checks)} within",
            verdict,
        ]
