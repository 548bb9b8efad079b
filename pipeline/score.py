"""THE flow: messages in, decisions out. Command line, service, evaluation and notebooks all come through here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.bundle import Bundle, Judged
from pipeline.calibrate import Floats, of_language
from pipeline.clean import clean
from pipeline.language import Language, detect
from pipeline.normalise import normalise
from pipeline.privacy import mask
from pipeline.records import Message, Prediction, Scored
from pipeline.route import COLUMN, Rule, route
from pipeline.taxonomy import EVEN, NEGATIVE, OUT_OF_SCOPE, POSITIVE, Taxonomy

UNSUPPORTED, AMBIGUOUS, TOO_SHORT = "unsupported_language", "ambiguous", "too_short"
REVIEW_REASONS = (UNSUPPORTED, OUT_OF_SCOPE, AMBIGUOUS, TOO_SHORT)
FLAGS = TRUNCATED, MIXED, MASKED = "truncated", "mixed_language", "pii_masked"
MAX_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the encoder reads of one message, and what was learnt on the way."""

    text: str
    language: Language
    flags: tuple[str, ...]


def score(
    messages: Sequence[Message], bundle: Bundle, rules: Sequence[Rule], *, max_characters: int = MAX_CHARACTERS,
    on_judged: Callable[[Judged], None] = lambda judged: None,
) -> list[Scored]:  # fmt: skip
    """One `Scored` a message, in their order; each is the same alone as in any list.

    `on_judged` hears what the model made of them all, vectors included, before anything is decided.
    """
    prepared = [prepare(message.text, max_characters=max_characters) for message in messages]
    judged = bundle.judge([each.text for each in prepared], [each.language for each in prepared])
    on_judged(judged)
    scored = []
    for index, (message, each) in enumerate(zip(messages, prepared, strict=True)):
        predictions = predict({task: values[index] for task, values in judged.probabilities.items()}, bundle)
        topics = topics_of(predictions["topic"], bundle) if bundle.taxonomy.multilabel else None
        strange, unsure = bool(judged.strange[index]), topics == ()
        review = _review(each, predictions["category"], strange, bundle, unsure=unsure)
        decided = _decide(message, each, predictions, review, bundle, rules)
        scored.append(decided if topics is None else replace(decided, topics=topics))
    return scored


def prepare(text: str, *, max_characters: int = MAX_CHARACTERS) -> Prepared:
    """Clean, mask, normalise: the one way from a raw message to what training and scoring encode."""
    cleaned = clean(text[:max_characters])
    masked = mask(cleaned)
    language = detect(cleaned)
    flags = {TRUNCATED: len(text) > max_characters, MIXED: language is Language.MIXED, MASKED: bool(masked.kinds)}
    return Prepared(normalise(masked.text), language, tuple(flag for flag, is_set in flags.items() if is_set))


def predict(probabilities: Mapping[str, Floats], bundle: Bundle) -> dict[str, Prediction]:
    """Per task (labels,) probabilities -> predictions, `category` among them.

    A category is as probable as its topics together; the topic is the best one inside the best category, so the two
    never disagree. Where a message may have several topics, it is the primary one, and the category is its own.
    """
    table = bundle.taxonomy
    topics = dict(zip(bundle.heads.labels["topic"], probabilities["topic"].tolist(), strict=True))
    category = _best(category_probabilities(topics, table))
    if table.multilabel:
        inside = [t for t in topics if t != OUT_OF_SCOPE or topics[t] >= EVEN]  # as `Taxonomy.primary_topics`
        topic = max(inside, key=topics.__getitem__)
        above = table.category_of[topic]
        category = Prediction(above, category.probabilities[above], category.probabilities)
    else:
        topic = max((t for t in topics if table.category_of[t] == category.label), key=topics.__getitem__)
    found = {"category": category, "topic": Prediction(topic, topics[topic], topics)}
    for task, labels in bundle.heads.labels.items():
        if task != "topic":
            found[task] = _best(dict(zip(labels, probabilities[task].tolist(), strict=True)))
    return found


def topics_of(topic: Prediction, bundle: Bundle) -> tuple[str, ...]:
    """Of a message that may have several topics those that it has, the most probable first: those above their levels.

    What is out of scope has no other topic, and what has another topic is not out of scope.
    """
    outside = topic.label == OUT_OF_SCOPE
    having = {name: p for name, p in topic.probabilities.items() if p >= bundle.applies[name]}
    return tuple(name for name in sorted(having, key=lambda name: -having[name]) if (name == OUT_OF_SCOPE) == outside)


def category_probabilities(topics: Mapping[str, float], table: Taxonomy) -> dict[str, float]:
    """Topic probabilities summed by category; of several topics a message, see `Taxonomy.category_probabilities`."""
    if table.multilabel:
        lacking = dict.fromkeys(table.category_ids, 1.0)
        for topic, probability in topics.items():
            lacking[table.category_of[topic]] *= 1 - probability
        return {category: 1 - chance for category, chance in lacking.items()}
    sums = dict.fromkeys(table.category_ids, 0.0)
    for topic, probability in topics.items():
        sums[table.category_of[topic]] += probability
    return sums


def _decide(
    message: Message, prepared: Prepared, found: Mapping[str, Prediction], review: tuple[str, ...], bundle: Bundle,
    rules: Sequence[Rule],
) -> Scored:  # fmt: skip
    category, sentiment = found["category"], found["sentiment"]
    in_scope = category.label != OUT_OF_SCOPE
    domain = bundle.taxonomy.domain_of[category.label]
    facts: dict[str, Sequence[str]] = {task: (prediction.label,) for task, prediction in found.items()}
    facts |= {"language": (prepared.language,), "domain": (domain,), "review": review, "flags": prepared.flags}
    facts |= {"channel": _known(message.channel), "risk": _known(message.risk)}
    facts |= {COLUMN + name: (_plain(value),) for name, value in message.columns.items()}
    if not in_scope:
        facts["sentiment"] = ()
    return Scored(
        language=prepared.language,
        domain=domain,
        category=category,
        topic=found["topic"],
        sentiment=sentiment if in_scope else None,
        sentiment_score=_polarity(sentiment) if in_scope else None,
        emotion=found["emotion"],
        urgency=found["urgency"],
        churn=found["churn"],
        decision=route(facts, rules),
        review=review,
        flags=prepared.flags,
        model=bundle.version,
    )


def _review(
    prepared: Prepared, category: Prediction, strange: bool, bundle: Bundle, *, unsure: bool
) -> tuple[str, ...]:
    """Why a person should look; `strange` is out of scope by its distance from all that the model knows.

    `unsure`: of several topics that it may have, none is probable enough.
    """
    least = of_language(bundle.thresholds, prepared.language)[category.label]
    reasons = {
        UNSUPPORTED: prepared.language is Language.UNSUPPORTED,
        OUT_OF_SCOPE: category.label == OUT_OF_SCOPE or strange,
        AMBIGUOUS: unsure or category.confidence < least,
        TOO_SHORT: not any(letter.isalnum() or "\u2190" < letter != "\ufffd" for letter in prepared.text),
    }
    return tuple(reason for reason, holds in reasons.items() if holds)


def _polarity(sentiment: Prediction) -> float:
    return sentiment.probabilities[POSITIVE] - sentiment.probabilities[NEGATIVE]


def _best(probabilities: Mapping[str, float]) -> Prediction:
    label = max(probabilities, key=probabilities.__getitem__)
    return Prediction(label, probabilities[label], probabilities)


def _known(value: str) -> tuple[str, ...]:
    return (value,) if value else ()


def _plain(value: Any) -> str:
    return "" if value is None else str(value)
