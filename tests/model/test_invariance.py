"""What does not change a message does not change its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest

from pipeline.records import Scored
from pipeline.score import prepare
from pipeline.taxonomy import TASKS

from .answers import Answers, Outcome, change, require, table
from .clear_messages import Clear
from .pairs import NAMED
from .rewrites import EXACT, NEAR, Rewrite, rewritten


def labels(found: Scored) -> tuple[object, ...]:
    names = (getattr(found, task) and getattr(found, task).label for task in ("category", *TASKS))
    return (found.language, found.domain, *names, found.review)


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


def category(found: Scored) -> str:
    return found.category.label


def topic(found: Scored) -> str:
    return found.topic.label


def sentiment(found: Scored) -> str:
    return found.sentiment.label if found.sentiment else found.category.label


@pytest.mark.parametrize(("floor", "label"), [("kept", category), ("kept_topic", topic), ("kept_sentiment", sentiment)])
def test_another_way_to_write_it_is_understood_alike(
    answers: Answers, floor: str, label: Callable[[Scored], str]
) -> None:
    require(getattr(answers.floors, floor), _kept(answers, label))


def _kept(answers: Answers, label: Callable[[Scored], str]) -> Iterable[tuple[str, Outcome]]:
    """Each pair twice: under its rewrite and under its language."""
    pairs = [(name, clear, text) for name, rewrite in NEAR.items() for clear, text in rewritten(rewrite)]
    outcomes = []
    for name, clear, text in pairs:
        base, other = label(answers[clear.text]), label(answers[text])
        outcomes.append((name, clear.language, (base == other, f"{base} became {other}: {text}")))
    yield from ((name, outcome) for name, _, outcome in outcomes)
    yield from ((language, outcome) for _, language, outcome in outcomes)


def test_another_way_to_write_it_is_as_certain(answers: Answers) -> None:
    means = {name: _mean_change(answers, rewrite) for name, rewrite in NEAR.items()}
    if max(means.values()) <= answers.floors.moved:
        return
    rows = [(name, f"{mean:.3f}") for name, mean in means.items()]
    pytest.fail(table(("rewrite", f"mean change, at most {answers.floors.moved}"), rows), pytrace=False)


def _mean_change(answers: Answers, rewrite: Rewrite) -> float:
    """Of the probability of what the message as it was is taken for."""
    found = [_change_of_category(answers, clear, text) for clear, text in rewritten(rewrite)]
    return sum(found) / len(found)


def _change_of_category(answers: Answers, clear: Clear, text: str) -> float:
    base = answers[clear.text].category
    other: float = answers[text].category.probabilities[base.label]
    return abs(base.confidence - other)


def test_a_name_does_not_matter(answers: Answers) -> None:
    outcomes = []
    for language, messages in NAMED.items():
        for variants in messages:
            for one, other in pairwise(variants):
                outcomes.append((language, _same_but_for_the_name(answers, one, other)))
    require(answers.floors.names, outcomes)


def _same_but_for_the_name(answers: Answers, one: str, other: str) -> Outcome:
    base, found = answers[one], answers[other]
    same = category(base) == category(found) and sentiment(base) == sentiment(found)
    moved = change(base.category.probabilities, found.category.probabilities)
    if base.sentiment and found.sentiment:
        moved = max(moved, change(base.sentiment.probabilities, found.sentiment.probabilities))
    became = f"{category(base)}, {sentiment(base)} became {category(found)}, {sentiment(found)}"
    return same and moved <= answers.floors.name_moved, f"{became}, moved by {moved:.2f}: {one} | {other}"
