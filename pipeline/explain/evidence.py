"""The sentence of a message that says most of its topic by itself: a judgement a sentence, so every row can have it.

`explain` leaves sentences out instead, one message at a time: what is left then is judged, not the sentence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.bundle import Bundle
from pipeline.explain.places import Place, merge, sentences, words
from pipeline.records import Message, Scored
from pipeline.score import MAX_CHARACTERS, prepare
from pipeline.taxonomy import OUT_OF_SCOPE

MOST = 40  # sentences; of a longer message, neighbouring ones are read together


def evidence(
    messages: Sequence[Message], scored: Sequence[Scored], bundle: Bundle, *, max_characters: int = MAX_CHARACTERS
) -> list[str]:
    """One sentence a message, as it was given; the whole of a message of one, "" of one that is out of scope."""
    found = [""] * len(messages)
    owners: list[int] = []
    passages: list[str] = []
    for index, (message, each) in enumerate(zip(messages, scored, strict=True)):
        if each.category.label == OUT_OF_SCOPE:
            continue
        given = message.text[:max_characters]
        parts = _sentences(given, prepare(given).text.split())
        if len(parts) < 2:
            found[index] = given.strip()
        else:
            owners.extend([index] * len(parts))
            passages.extend(given[part.start : part.end] for part in parts)
    chances = _chances(passages, [scored[index] for index in owners], bundle)
    best: dict[int, float] = {}
    for index, passage, chance in zip(owners, passages, chances, strict=True):
        if chance > best.get(index, -1.0):
            best[index], found[index] = chance, passage
    return found


def _sentences(given: str, read: Sequence[str]) -> list[Place]:
    return merge(sentences(given, words(given, read)), MOST)


def _chances(passages: Sequence[str], owners: Sequence[Scored], bundle: Bundle) -> list[float]:
    """Of each passage, how probable the topic of the whole message is by that passage alone."""
    if not passages:
        return []
    texts = [prepare(passage).text for passage in passages]
    topics = bundle.judge(texts, [owner.language for owner in owners]).probabilities["topic"]
    columns = [bundle.taxonomy.topic_ids.index(owner.topic.label) for owner in owners]
    return [float(chance) for chance in topics[np.arange(len(columns)), columns]]
