"""Minimum functionality: messages that leave no doubt, in every topic, language and dialect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE
from pipeline.training.behaviour.checks import Answers, right, understood
from pipeline.training.behaviour.clear_messages import CLEAR, Clear

from .answers import require, table

LANGUAGES = ("ar", "fa", "en")


def test_the_messages_hold_every_topic_in_every_language() -> None:
    counts = Counter((clear.language, clear.topic) for clear in CLEAR)
    for language in LANGUAGES:
        for topic in set(DEFAULT.topic_ids) - {OUT_OF_SCOPE}:
            assert counts[language, topic] >= 2, (language, topic)
    assert len({clear.text for clear in CLEAR}) == len(CLEAR)


@pytest.mark.parametrize("task", ["category", "topic", "sentiment"])
def test_a_clear_message_is_understood(answers: Answers, task: str) -> None:
    require(getattr(answers.floors, task), understood(answers, task))


def test_a_clear_message_is_in_its_language(answers: Answers) -> None:
    found = {clear.text: answers[clear.text].language for clear in CLEAR}
    assert found == {clear.text: clear.language for clear in CLEAR}


def test_a_clear_message_needs_no_person(answers: Answers) -> None:
    outcomes = []
    for clear in CLEAR:
        reasons = answers[clear.text].review
        outcomes.append((clear.language, (not reasons, f"{', '.join(reasons)}: {clear.text}")))
    require(answers.floors.answered, outcomes)


def test_no_language_is_left_behind(answers: Answers) -> None:
    languages = {name: accuracies(answers, [each for each in CLEAR if each.language == name]) for name in LANGUAGES}
    categories = [category for _, category, _ in languages.values()]
    best = max(categories)
    if best - min(categories) <= answers.floors.parity:
        return
    dialects = dict.fromkeys(each.dialect for each in CLEAR)
    shown = languages | {
        name: accuracies(answers, [each for each in CLEAR if each.dialect == name]) for name in dialects
    }
    heads = ("language", "messages", "category", f"gap, at most {answers.floors.parity}", "sentiment")
    rows = [
        (name, f"{count}", f"{category:.2f}", f"{best - category:.2f}", f"{sentiment:.2f}")
        for name, (count, category, sentiment) in shown.items()
    ]
    pytest.fail(table(heads, rows), pytrace=False)


def accuracies(answers: Answers, chosen: Sequence[Clear]) -> tuple[int, float, float]:
    """How many messages, and the shares of them whose category and sentiment are right."""
    category, sentiment = (
        sum(right(answers, clear, task) for clear in chosen) / len(chosen) for task in ("category", "sentiment")
    )
    return len(chosen), category, sentiment
