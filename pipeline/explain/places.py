"""Where the words that a model reads stand in the text as it was given.

Cleaning drops whole passages and normalising respells what stays, so the two texts are aligned by their pieces, runs
of letters in one spelling. What cannot be found again (a masked number, an entity inside a word) has no place.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cache
from itertools import groupby

from pipeline.normalise import skeleton

_MARKS = r"!-/:-@\[-`{-~،؛؟۔٫٬٪«»“”‘’…–—\ufeff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"


@dataclass(frozen=True, slots=True)
class Place:
    """`given[start:end]`, which the model reads as its words from `first` to `last`, that one included."""

    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    key: str


def words(given: str, read: Sequence[str]) -> list[Place]:
    """The words of `given` that are among those `read`, in order, without the punctuation around them.

    A word is what either text writes without a blank: a half-space divides none.
    """
    ours = _pieces(given)
    theirs = [(piece.key, number) for number, word in enumerate(read) for piece in _pieces(word)]
    found: list[Place] = []
    before = -1
    for mine, other in _aligned([piece.key for piece in ours], [key for key, _ in theirs]):
        number = theirs[other][1]
        place = Place(ours[mine].start, ours[mine].end, number, number)
        if found and (place.first == found[-1].last or _joined(given, ours, before, mine)):
            place = _span([found.pop(), place])
        found.append(place)
        before = mine
    return found


def sentences(given: str, places: Sequence[Place]) -> list[Place]:
    """The places of words, joined by sentence, line or block of markup."""
    ends = [end.end() for end in sentence_end().finditer(given)]
    groups = groupby(places, lambda place: bisect_right(ends, place.start))
    return [_closed(given, _span(list(group))) for _, group in groups]


def merge(places: Sequence[Place], most: int) -> list[Place]:
    """At most `most` places, neighbours joined evenly."""
    size = -(-len(places) // most) or 1
    return [_span(places[at : at + size]) for at in range(0, len(places), size)]


def _span(places: Sequence[Place]) -> Place:
    return Place(places[0].start, places[-1].end, places[0].first, places[-1].last)


def _closed(given: str, place: Place) -> Place:
    """With the marks that end the sentence."""
    rest = given[place.end :]
    return replace(place, end=len(given) - len(rest.lstrip(".!?؟…۔")))


def _pieces(text: str) -> list[_Piece]:
    """Runs without blanks and punctuation, and words of nothing else, such as ":(" and "؟"."""
    found = (_Piece(*match.span(), _key(match[0])) for match in _piece().finditer(text))
    return [piece for piece in found if piece.key]


def _key(text: str) -> str:
    """One spelling, whatever the language of the whole text made `normalise` choose."""
    return skeleton(html.unescape(text)).replace("آ", "ا").strip()


def _aligned(ours: list[str], theirs: list[str]) -> Iterator[tuple[int, int]]:
    if ours == theirs:
        return zip(range(len(ours)), range(len(theirs)), strict=True)
    blocks = SequenceMatcher(None, ours, theirs).get_matching_blocks()
    return ((a + step, b + step) for a, b, size in blocks for step in range(size))


def _joined(given: str, ours: Sequence[_Piece], before: int, now: int) -> bool:
    """Whether two pieces stand in one word, with nothing unread between them."""
    return now == before + 1 and not re.search(r"\s", given[ours[before].end : ours[now].start])


@cache
def _piece() -> re.Pattern[str]:
    return re.compile(rf"(?:&#x?[0-9a-fA-F]+;|[^\s\u200c{_MARKS}])+|(?<!\S)[{_MARKS}]+(?!\S)")


@cache
def sentence_end() -> re.Pattern[str]:
    return re.compile(r"[!?؟…۔]+|\.+(?=\s|$)|[\n\r\u2028\u2029]+|</?(?:br|p|div|li|t[dr]|h\d)\b[^>]*>", re.IGNORECASE)
