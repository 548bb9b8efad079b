"""What is no business of ours goes to a person, and no answer depends on its neighbours."""

from __future__ import annotations

import pytest

from pipeline.records import Message, Scored
from pipeline.score import UNSUPPORTED as REASON
from pipeline.score import score
from pipeline.taxonomy import TASKS
from pipeline.training.behaviour.checks import RULES, Answers, change, off_topic
from pipeline.training.behaviour.clear_messages import CLEAR
from pipeline.training.behaviour.pairs import OFF_TOPIC, UNSUPPORTED

from .answers import require

ALONE = [*[clear.text for clear in CLEAR[::9]], *[texts[0] for texts in OFF_TOPIC.values()]]


def test_spam_and_small_talk_go_to_a_person(answers: Answers) -> None:
    require(answers.floors.reviewed, off_topic(answers))


@pytest.mark.parametrize("language", UNSUPPORTED)
def test_a_language_that_nobody_taught_it_goes_to_a_person(answers: Answers, language: str) -> None:
    for text in UNSUPPORTED[language]:
        assert answers[text].language == "unsupported"
        assert REASON in answers[text].review


def test_a_row_alone_equals_the_row_in_a_batch(answers: Answers) -> None:
    for text in ALONE:
        [alone] = score([Message(text)], answers.bundle, RULES)
        _require_same(alone, answers[text], answers.floors.noise)


def _require_same(alone: Scored, together: Scored, noise: float) -> None:
    assert (alone.language, alone.domain, alone.review) == (together.language, together.domain, together.review)
    for task in ("category", *TASKS):
        here, there = getattr(alone, task), getattr(together, task)
        assert (here and here.label) == (there and there.label)
        if here:
            assert change(here.probabilities, there.probabilities) <= noise, task
