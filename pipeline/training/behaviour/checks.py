"""Checks of a model's behaviour (Ribeiro et al. 2020, arXiv:2005.04118): minimum functionality, invariance, direction.

A check tells of each case whether it holds, under the language it is in. The tests of the shipped models and the gate
before a promotion run the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise

from pipeline.bundle import Bundle
from pipeline.records import Message, Scored
from pipeline.route import Rule
from pipeline.score import score
from pipeline.taxonomy import LEAVES, NEGATIVE, OUT_OF_SCOPE, POSITIVE, URGENT
from pipeline.training.behaviour.clear_messages import CLEAR, Clear
from pipeline.training.behaviour.pairs import (
    DISPLEASED,
    GOODBYE,
    HURRY,
    NAMED,
    NEGATED,
    OFF_TOPIC,
    PATIENT,
    UNSUPPORTED,
    extended,
)
from pipeline.training.behaviour.rewrites import EXACT, NEAR, Rewrite, rewritten

RULES = (Rule("all", "desk", "normal", 60),)
PART = 256  # texts scored at a time

Outcome = tuple[bool, str]
Outcomes = Iterator[tuple[str, Outcome]]  # language or rewrite, whether the case holds, and a line about it


@dataclass(frozen=True, slots=True)
class Floors:
    """The least share (0 to 1) of cases that hold, but for the bounds whose line says otherwise."""

    topic: float = 0.7  # of the clear messages of a language
    category: float = 0.8
    sentiment: float = 0.8
    parity: float = 0.15  # at most: category accuracy of the best language less that of another
    answered: float = 0.5  # of the clear messages of a language, without a person
    kept: float = 0.9  # category, of the rewritten messages; by rewrite and by language
    kept_sentiment: float = 0.9
    kept_topic: float = 0.85
    moved: float = 0.1  # at most: mean absolute change of the category's probability, by rewrite
    negation: float = 0.8  # of a language's pairs
    fall: float = 0.3  # at least: how far the sentiment score falls where the label stays
    churn: float = 0.9  # of the messages of a language that say goodbye
    urgency: float = 0.9  # of those that hurry
    rise: float = 0.02  # at least: of the probability of churn or of high urgency
    names: float = 0.95  # of the messages with another name
    name_moved: float = 0.15  # at most: change of any probability of category and sentiment
    reviewed: float = 0.8  # of the messages that are no business of a company
    noise: float = 1e-3  # at most: what a batch does to a probability; measured 1e-6


@dataclass(frozen=True)
class Answers:
    """What one bundle made of every text of the checks."""

    bundle: Bundle
    floors: Floors
    found: Mapping[str, Scored]

    def __getitem__(self, text: str) -> Scored:
        return self.found[text]

    @cached_property
    def knows_ours(self) -> bool:
        """Whether the labels of the clear messages are the bundle's own."""
        return all(self.bundle.taxonomy.category_of.get(clear.topic) == clear.category for clear in CLEAR)

    def left_open(self, *texts: str) -> bool:
        """One of them goes to a person, so that nothing was answered and nothing contradicted.

        Only for labels of a company's own, which need not fit our messages at all.
        """
        return not self.knows_ours and any(self[text].review for text in texts)

    def agree(self, one: str, other: str, task: str) -> bool:
        """Two ways to write a message have the same label."""
        return self.left_open(one, other) or _said(self[one], task) == _said(self[other], task)


def every_text(*, exact: bool = True) -> list[str]:
    """Without `exact`, those are left out which `normalise` turns into another one, whatever the model."""
    texts = [clear.text for clear in CLEAR]
    rewrites = EXACT | NEAR if exact else NEAR
    texts += [text for rewrite in rewrites.values() for _, text in rewritten(rewrite)]
    texts += [text for _, text in extended(DISPLEASED, GOODBYE) + extended(PATIENT, HURRY)]
    texts += chain.from_iterable(chain.from_iterable(chain(NEGATED.values(), NAMED.values())))
    texts += chain.from_iterable(chain(OFF_TOPIC.values(), UNSUPPORTED.values()))
    return list(dict.fromkeys(texts))


def ask(bundle: Bundle, texts: Sequence[str], *, floors: Floors | None = None) -> Answers:
    parts = (texts[start : start + PART] for start in range(0, len(texts), PART))
    found = {
        text: one
        for part in parts
        for text, one in zip(part, score([Message(text) for text in part], bundle, RULES), strict=True)
    }
    return Answers(bundle, floors or Floors(), found)


def label(found: Scored, task: str) -> str:
    """What was answered; a message without sentiment was taken for out of scope."""
    prediction = getattr(found, task)
    return str(prediction.label) if prediction else OUT_OF_SCOPE


def right(answers: Answers, clear: Clear, task: str) -> bool:
    return bool(label(answers[clear.text], task) == getattr(clear, task))


def understood(answers: Answers, task: str) -> Outcomes:
    """Clear messages, by category, topic or sentiment."""
    for clear in CLEAR:
        line = f"{getattr(clear, task)}, answered {label(answers[clear.text], task)}: {clear.text}"
        yield clear.language, (answers.left_open(clear.text) or right(answers, clear, task), line)


def kept(answers: Answers, task: str) -> Outcomes:
    """Another way to write it gets the same label. Each pair twice: under its rewrite and under its language."""
    pairs = [(name, clear, text) for name, rewrite in NEAR.items() for clear, text in rewritten(rewrite)]
    outcomes = []
    for name, clear, text in pairs:
        line = f"{_said(answers[clear.text], task)} became {_said(answers[text], task)}: {text}"
        outcomes.append((name, clear.language, (answers.agree(clear.text, text, task), line)))
    yield from ((name, outcome) for name, _, outcome in outcomes)
    yield from ((language, outcome) for _, language, outcome in outcomes)


def mean_change(answers: Answers, rewrite: Rewrite) -> float:
    """Of the probability of what the message as it was is taken for."""
    found = []
    for clear, text in rewritten(rewrite):
        base = answers[clear.text].category
        found.append(abs(base.confidence - answers[text].category.probabilities[base.label]))
    return sum(found) / len(found)


def negation(answers: Answers) -> Outcomes:
    """Negation turns a positive message into a negative one, or lowers its sentiment by `floors.fall`."""
    for language, pairs in NEGATED.items():
        for said, denied in pairs:
            yield language, _turned(answers, said, denied)


def goodbye(answers: Answers) -> Outcomes:
    """A goodbye raises the probability of churn."""
    return _rise(answers, "churn", LEAVES, extended(DISPLEASED, GOODBYE))


def hurry(answers: Answers) -> Outcomes:
    """A hurry raises the probability of high urgency."""
    return _rise(answers, "urgency", URGENT, extended(PATIENT, HURRY))


def names(answers: Answers) -> Outcomes:
    """The name of a company or a person does not matter."""
    for language, messages in NAMED.items():
        for variants in messages:
            for one, other in pairwise(variants):
                yield language, _same_but_for_the_name(answers, one, other)


def off_topic(answers: Answers) -> Outcomes:
    """What is no business of a company goes to a person."""
    for language, texts in OFF_TOPIC.items():
        for text in texts:
            found = answers[text]
            line = f"taken for {found.topic.label}, {found.category.confidence:.2f}: {text}"
            yield language, (bool(found.review), line)


def change(base: Mapping[str, float], other: Mapping[str, float]) -> float:
    """The largest absolute difference of two tables of probabilities."""
    return max(abs(base[label] - other[label]) for label in base)


CHECKS: Mapping[str, Callable[[Answers], Outcomes]] = {
    "category": lambda answers: understood(answers, "category"),
    "topic": lambda answers: understood(answers, "topic"),
    "sentiment": lambda answers: understood(answers, "sentiment"),
    "kept": lambda answers: kept(answers, "category"),
    "kept_topic": lambda answers: kept(answers, "topic"),
    "kept_sentiment": lambda answers: kept(answers, "sentiment"),
    "negation": negation,
    "churn": goodbye,
    "urgency": hurry,
    "names": names,
    "reviewed": off_topic,
}  # by the floor that each must reach


def _said(found: Scored, task: str) -> str:
    prediction = getattr(found, task)
    return str(prediction.label) if prediction else found.category.label


def _turned(answers: Answers, said: str, denied: str) -> Outcome:
    before, after = answers[said], answers[denied]
    if answers.left_open(said, denied):
        return True, f"goes to a person: {said} | {denied}"
    if before.sentiment is None or after.sentiment is None:
        return False, f"taken for out of scope: {said} | {denied}"
    flipped = (before.sentiment.label, after.sentiment.label) == (POSITIVE, NEGATIVE)
    fall = (before.sentiment_score or 0) - (after.sentiment_score or 0)
    line = f"{before.sentiment.label} became {after.sentiment.label}, fell by {fall:.2f}: {said} | {denied}"
    return flipped or fall >= answers.floors.fall, line


def _rise(answers: Answers, task: str, name: str, pairs: Sequence[tuple[Clear, str]]) -> Outcomes:
    for clear, text in pairs:
        before, after = (getattr(answers[each], task).probabilities[name] for each in (clear.text, text))
        yield clear.language, (after - before >= answers.floors.rise, f"{before:.2f} to {after:.2f}: {text}")


def _same_but_for_the_name(answers: Answers, one: str, other: str) -> Outcome:
    base, found = answers[one], answers[other]
    same = all(answers.agree(one, other, task) for task in ("category", "sentiment"))
    moved = change(base.category.probabilities, found.category.probabilities)
    if base.sentiment and found.sentiment:
        moved = max(moved, change(base.sentiment.probabilities, found.sentiment.probabilities))
    was, became = (f"{_said(each, 'category')}, {_said(each, 'sentiment')}" for each in (base, found))
    line = f"{was} became {became}, moved by {moved:.2f}: {one} | {other}"
    return same and (moved <= answers.floors.name_moved or answers.left_open(one, other)), line
