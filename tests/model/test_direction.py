"""What changes a message moves its answer the right way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pipeline.training.behaviour.checks import Answers, Outcome, goodbye, hurry, negation

from .answers import require

MANY = 8


def test_negation_turns_the_sentiment(answers: Answers) -> None:
    _require(answers.floors.negation, negation(answers))


def test_a_goodbye_raises_the_churn_probability(answers: Answers) -> None:
    _require(answers.floors.churn, goodbye(answers))


def test_a_hurry_raises_the_urgency(answers: Answers) -> None:
    _require(answers.floors.urgency, hurry(answers))


def _require(least: float, outcomes: Iterable[tuple[str, Outcome]]) -> None:
    found = list(outcomes)
    assert min(Counter(language for language, _ in found).values()) >= MANY
    require(least, found)
