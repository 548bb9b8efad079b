"""Which of Arabic and Persian a text in Arabic letters is written in, whatever keyboard it was typed on."""

from __future__ import annotations

import re

from pipeline.lexicon import ARABIC, LETTER_LEAN, PERSIAN

_JOINERS = re.compile("[\u200c\u200d]")  # Persian is spelt with them
_WORD = re.compile("[\u0621-\u06d3]+")
_DOUBLED = re.compile(r"(?<=\w)(.)\1+")
_WORD_WEIGHT = 4.0
_ARTICLE_WEIGHT = 1.5
_DECISIVE = 8.0


def is_printable(text: str) -> bool:
    """As `str.isprintable`, which takes the half-space of Persian for a control character."""
    return _JOINERS.sub("", text).isprintable()


def words(skeleton: str) -> list[str]:
    """The runs of Arabic letters in a text."""
    return _WORD.findall(skeleton)


def hits(found: list[str]) -> tuple[int, int]:
    """How many of the words are known as Arabic, and how many as Persian."""
    return sum(map(ARABIC.__contains__, found)), sum(map(PERSIAN.__contains__, found))


def lean(skeleton: str, known: tuple[int, int] | None = None) -> float:
    """Log-odds-like evidence for Persian (> 0) over Arabic (< 0); 0 says nothing.

    `skeleton` has Persian kaf and yeh and bare alefs, so that the answer cannot depend on the keyboard; `known` are
    the `hits` of its words, where somebody has them.
    """
    arabic, persian = known or hits(words(skeleton))
    if not arabic and not persian:
        arabic, persian = hits(words(_DOUBLED.sub(r"\1", skeleton)))
    articles = f" {skeleton}".count(" ال") + skeleton.count(" وال")
    by_words = _WORD_WEIGHT * (persian - arabic) - _ARTICLE_WEIGHT * articles
    if abs(by_words) >= _DECISIVE:
        return by_words
    return by_words + sum(weight * skeleton.count(letter) for letter, weight in LETTER_LEAN.items())
