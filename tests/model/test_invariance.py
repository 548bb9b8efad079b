"""What does not change a message does not change its answer."""

from __future__ import annotations

import pytest

from pipeline.records import Scored
from pipeline.score import prepare
from pipeline.taxonomy import TASKS
from pipeline.training.behaviour.checks import Answers, change, kept, mean_change, names
from pipeline.training.behaviour.rewrites import EXACT, NEAR, rewritten

from .answers import require, table


def labels(found: Scored) -> tuple[object, ...]:
    said = (getattr(found, task) and getattr(found, task).label for task in ("category", *TASKS))
    return (found.language, found.domain, *said, found.review)


@pytest.mark.parametrize("name", EXACT)
def test_what_normalise_undoes_gets_the_same_answer(answers: Answers, name: str) -> None:
    pairs = rewritten(EXACT[name])
    assert len(pairs) >= 3
    for clear, text in pairs:
        base, other = answers[clear.text], answers[text]
        assert prepare(text) == prepare(clear.text)
        assert labels(other) == labels(base)
        for task in TASKS:
            if getattr(base, task):
                moved = change(getattr(base, task).probabilities, getattr(other, task).probabilities)
                assert moved <= answers.floors.noise, (task, text)


@pytest.mark.parametrize(
    ("floor", "task"), [("kept", "category"), ("kept_topic", "topic"), ("kept_sentiment", "sentiment")]
)
def test_another_way_to_write_it_is_understood_alike(answers: Answers, floor: str, task: str) -> None:
    require(getattr(answers.floors, floor), kept(answers, task))


def test_another_way_to_write_it_is_as_certain(answers: Answers) -> None:
    means = {name: mean_change(answers, rewrite) for name, rewrite in NEAR.items()}
    if max(means.values()) <= answers.floors.moved:
        return
    rows = [(name, f"{mean:.3f}") for name, mean in means.items()]
    pytest.fail(table(("rewrite", f"mean change, at most {answers.floors.moved}"), rows), pytrace=False)


def test_a_name_does_not_matter(answers: Answers) -> None:
    require(answers.floors.names, names(answers))
