"""The targets as a table of Markdown: what was asked, what was measured, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.targets import GAP, Reached, reached, widest_gap, within_chance
from pipeline.training.tables import LANGUAGES, figure, table

METRICS = {
    "category_macro_f1": "category macro-F1, rows in scope",
    "category_accuracy": "category accuracy, 5 classes",
    "sentiment_macro_f1": "sentiment macro-F1",
    "emotion_macro_f1": "emotion macro-F1",
    "urgency_macro_f1": "urgency macro-F1",
    "churn_precision": "churn average precision",
    "intents_accuracy": "accuracy of 77 intents",
    "intents_micro_f1": "micro-F1 of 77 intents",
    "two_classes_macro_f1": "macro-F1 of 2 classes, neutral masked",
    "polar_f1": "F1 of positive and negative",
}


def targets_table(metrics: Mapping[str, Any]) -> str:
    """Every target with its figure and verdict."""
    rows = [*map(_row, reached(metrics)), *_others(metrics)]
    return table(["data", "metric", "at least", "measured", ""], rows, text_columns=2)


def _row(found: Reached) -> list[str]:
    target = found.target
    spoken = {"": "", "all": ", pooled"}.get(target.language, f", {LANGUAGES.get(target.language)}")
    asked = "reported" if target.least is None else f"{target.least:.3f}"
    measured = figure({"value": found.value, "low": found.low, "high": found.high})
    return [f"{target.data}{spoken}", METRICS[target.metric], asked, measured, _verdict(found.missed_by)]


def _verdict(missed_by: float | None) -> str:
    if missed_by is None:
        return ""
    return "met" if missed_by <= 0 else f"missed by {missed_by:.3f}"


def _others(metrics: Mapping[str, Any]) -> Iterator[list[str]]:
    gap = widest_gap(metrics)
    if gap is not None:
        verdict = _verdict(gap - GAP)
        yield ["gold, languages", "gap in category accuracy", f"at most {GAP}", f"{gap:.3f}", verdict]
    within, checks = within_chance(metrics)
    if checks:
        what, figures = "calibration error, by task and language", f"{within} of {checks} within"
        yield ["gold", what, "chance", figures, "met" if within == checks else "missed"]
