"""What changes a message moves its answer the right way."""

from __future__ import annotations

from collections import Counter

from pipeline.taxonomy import LEAVES, NEGATIVE, POSITIVE

from .answers import Answers, Outcome, require
from .clear_messages import Clear
from .pairs import DISPLEASED, GOODBYE, HURRY, NEGATED, PATIENT, extended

MANY = 8


def test_negation_turns_the_sentiment(answers: Answers) -> None:
    pairs = [(language, *pair) for language, found in NEGATED.items() for pair in found]
    assert min(Counter(language for language, _, _ in pairs).values()) >= MANY
    require(answers.floors.negation, [(language, _turned(answers, said, denied)) for language, said, denied in pairs])


def _turned(answers: Answers, said: str, denied: str) -> Outcome:
    before, after = answers[said], answers[denied]
    if before.sentiment is None or after.sentiment is None:
        return False, f"taken for out of scope: {said} | {denied}"
    flipped = (before.sentiment.label, after.sentiment.label) == (POSITIVE, NEGATIVE)
    fall = (before.sentiment_score or 0) - (after.sentiment_score or 0)
    line = f"{before.sentiment.label} became {after.sentiment.label}, fell by {fall:.2f}: {said} | {denied}"
    return flipped or fall >= answers.floors.fall, line


def test_a_goodbye_raises_the_churn_probability(answers: Answers) -> None:
    _require_rise(answers, "churn", LEAVES, extended(DISPLEASED, GOODBYE))


def test_a_hurry_raises_the_urgency(answers: Answers) -> None:
    _require_rise(answers, "urgency", "high", extended(PATIENT, HURRY))


def _require_rise(answers: Answers, task: str, label: str, pairs: list[tuple[Clear, str]]) -> None:
    outcomes = []
    for clear, text in pairs:
        before, after = (getattr(answers[each], task).probabilities[label] for each in (clear.text, text))
        rose = after - before >= answers.floors.rise
        outcomes.append((clear.language, (rose, f"{before:.2f} to {after:.2f}: {text}")))
    assert min(Counter(language for language, _ in outcomes).values()) >= MANY
    require(getattr(answers.floors, task), outcomes)
