"""What was measured of a model, as tables of its page: the certificate, the parity of languages, the targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.report.blocks import Block, Cell, Note, Table, num
from pipeline.service.console.visitors import Visitor
from pipeline.targets import GAP, reached, widest_gap, within_chance

LANGUAGES = ("ar", "fa", "en")
MEASURES = {"category": "accuracy", "sentiment": "macro_f1"}
CERTIFIED = ("task", "language", "n", "calibration_error", "ceiling", "result")
PARITY = ("task", "measure", "language", "n", "result", "gap")
TARGETS = ("measure", "data", "asked", "result", "met_title")
GOLD = "gold"  # the messages that people labelled for Nabd


def measured(visitor: Visitor, metrics: Mapping[str, Any]) -> Iterator[Block]:
    """What the metrics hold; an older evaluation holds less."""
    words = visitor.words
    if certified := list(_certified(visitor, metrics)):
        yield Note(words("certificate", model=metrics["model"]["version"]))
        yield Table(words("certificate_short"), [words(key) for key in CERTIFIED], certified)
    if gaps := list(_parity(visitor, metrics)):
        yield Table(words("parity"), [words(key) for key in PARITY], gaps)
    yield Table(words("targets"), [words(key) for key in TARGETS], list(_targets(visitor, metrics)))
    review = metrics.get("review", {})
    if "handed_over" in review:
        yield Note(_review(visitor, review))


def _certified(visitor: Visitor, metrics: Mapping[str, Any]) -> Iterator[list[Cell]]:
    words, locale, languages = visitor.words, visitor.locale, metrics.get("certificate", {}).get("languages", {})
    for task in languages.get("all", ()):
        for language in LANGUAGES:
            if (found := languages.get(language, {}).get(task)) is not None:
                yield [
                    Cell(words.known(task)), Cell(words(f"language_{language}")), num(locale.number(found["n"])),
                    num(locale.number(found["ece"], 3)), num(locale.number(found["ceiling"], 3)),
                    Cell(words("within_yes" if found["within"] else "within_no")),
                ]  # fmt: skip


def _parity(visitor: Visitor, metrics: Mapping[str, Any]) -> Iterator[list[Cell]]:
    """Each language's figure, and by how much it lies behind the best one's."""
    words, locale = visitor.words, visitor.locale
    for task, measure in MEASURES.items():
        for language, found in metrics.get("parity", {}).get(f"{GOLD} {task}", {}).items():
            yield [
                Cell(words(task)), Cell(words(f"measure_{measure}")), Cell(words.known(f"language_{language}")),
                num(locale.number(found["n"])), num(_estimate(visitor, found["value"], found["low"], found["high"])),
                num(locale.number(found["gap"], 3)),
            ]  # fmt: skip


def _targets(visitor: Visitor, metrics: Mapping[str, Any]) -> Iterator[list[Cell]]:
    """What was asked, what was measured, and whether it is enough."""
    words, locale = visitor.words, visitor.locale
    for found in reached(metrics):
        target = found.target
        spoken = {"": "", "all": words("pooled")}.get(target.language) or words.known(f"language_{target.language}")
        data = f"{words('data_gold')}{words('joint')}{spoken}" if target.data == GOLD else target.data
        yield [
            Cell(words(f"target_{target.metric}")), Cell(data),
            num("–" if target.least is None else locale.number(target.least, 3)),
            num(_estimate(visitor, found.value, found.low, found.high)), _verdict(visitor, found.missed_by),
        ]  # fmt: skip
    if (gap := widest_gap(metrics)) is not None:
        asked = num(words("at_most", value=locale.number(GAP, 3)))
        yield [Cell(words("target_gap")), Cell(words("data_gold")), asked, num(locale.number(gap, 3)),
               _verdict(visitor, gap - GAP)]  # fmt: skip
    within, checks = within_chance(metrics)
    if checks:
        told = words("part_of", part=locale.number(within), whole=locale.number(checks))
        yield [Cell(words("target_calibration")), Cell(words("data_gold")), num(locale.number(checks)), num(told),
               Cell(words("met" if within == checks else "missed"))]  # fmt: skip


def _verdict(visitor: Visitor, missed_by: float | None) -> Cell:
    words = visitor.words
    if missed_by is None:
        return Cell(words("only_reported"))
    return Cell(words("met") if missed_by <= 0 else words("missed_by", by=visitor.locale.number(missed_by, 3)))


def _estimate(visitor: Visitor, value: float, low: float | None, high: float | None) -> str:
    """With its 95% interval."""
    number = visitor.locale.number
    if low is None or high is None:
        return number(value, 3)
    return f"{number(value, 3)} ({number(low, 3)} – {number(high, 3)})"


def _review(visitor: Visitor, review: Mapping[str, Any]) -> str:
    """What was handed over of the labelled messages, and how often the rest was right."""
    percent = visitor.locale.percent
    handed, right = review["handed_over"] / review["n"], review["accuracy_of_the_rest"]["value"]
    return visitor.words("review_measured", handed=percent(handed), right=percent(right))
