"""The sentence of a message that says most of its topic by itself: a judgement a sentence, so every row can have it.

`explain` leaves sentences out instead, one message at a time: what is left then is judged, not the sentence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.bundle import Bundle
from pipeline.clean import clean
from pipeline.explain.places import sentence_end
from pipeline.records import Message, Scored
from pipeline.score import MAX_CHARACTERS, prepare
from pipeline.taxonomy import OUT_OF_SCOPE

MOST = 40  # sentences; in a longer message, neighbouring ones are read together


def evidence(
    messages: Sequence[Message], scored: Sequence[Scored], bundle: Bundle, *, max_characters: int = MAX_CHARACTERS
) -> list[str]:
    """One sentence of each cleaned message; the whole of a message of one, "" of one that is out of scope."""
    found = [""] * len(messages)
    owners: list[int] = []
    passages: list[str] = []
    for index, (message, each) in enumerate(zip(messages, scored, strict=True)):
        if each.category.label == OUT_OF_SCOPE:
            continue
        parts = split(clean(message.text[:max_characters]))
        found[index] = parts[0] if parts else ""
        if len(parts) > 1:
            owners.extend([index] * len(parts))
            passages.extend(parts)
    best: dict[int, float] = {}
    chances = _chances(passages, [scored[index] for index in owners], bundle)
    for index, passage, chance in zip(owners, passages, chances, strict=True):
        if chance > best.get(index, -1.0):
            best[index], found[index] = chance, passage
    return found


def split(text: str) -> list[str]:
    """The sentences of a cleaned text, each with its end mark; at most `MOST`, neighbours joined evenly."""
    ends = [match.end() for match in sentence_end().finditer(text)]
    parts = [text[start:end].strip() for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]
    parts = [part for part in parts if any(letter.isalnum() for letter in part)]
    size = -(-len(parts) // MOST) or 1
    return [" ".join(parts[at : at + size]) for at in range(0, len(parts), size)]


def _chances(passages: Sequence[str], owners: Sequence[Scored], bundle: Bundle) -> list[float]:
    """Of each passage, how probable the topic of the whole message is by that passage alone."""
    if not passages:
        return []
    texts = [prepare(passage).text for passage in passages]
    topics = bundle.judge(texts, [owner.language for owner in owners]).probabilities["topic"]
    columns = [bundle.taxonomy.topic_ids.index(owner.topic.label) for owner in owners]
    return [float(chance) for chance in topics[np.arange(len(columns)), columns]]
