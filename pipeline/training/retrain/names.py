"""Label names that may well be one label: the same but for case, spelling or plural, or nearly the same."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from pipeline.columns.names import fold, is_list, labels_in

CLOSE, SHORTEST = 0.88, 5  # similarity of two folded names, and the length from which it means something
_DIGITS = re.compile(r"\d+")
_PLURALS = (("ies", "y"), ("sses", "ss"), ("s", ""), ("ات", ""), ("های", ""), ("ها", ""))
_SINGULAR = re.compile(r"(?:ss|us|is)$")


@dataclass(frozen=True, slots=True)
class Near:
    """`other` may be `keep`, which has more rows; `how` is why: spelling, plural or close."""

    keep: str
    other: str
    how: str


def near_duplicates(counts: Mapping[str, int]) -> list[Near]:
    """Pairs among the labels that `counts` (rows of each) holds, the surest kind first. They are only suggestions."""
    found = []
    for one, other in combinations(sorted(counts, key=lambda name: (-counts[name], name)), 2):
        how = _how(fold(one), fold(other))
        if how:
            found.append(Near(one, other, how))
    return sorted(found, key=lambda near: ("spelling", "plural", "close").index(near.how))


def several(cells: Iterable[str], *, sure: bool = True) -> frozenset[str]:
    """The cells that hold several labels: each of them is in another cell too. And all that are written as lists.

    Where that rows may have several is known, and so nothing need be `sure`, one of a cell's labels in another will do.
    """
    parts = {cell: labels_in(cell) for cell in set(cells)}
    seen = Counter(part for found in parts.values() for part in found)
    enough = all if sure else any
    return frozenset(
        cell
        for cell, found in parts.items()
        if is_list(cell) or (len(found) > 1 and enough(seen[part] > 1 for part in found))
    )


def _how(one: str, other: str) -> str | None:
    if one == other or one.replace(" ", "") == other.replace(" ", ""):
        return "spelling"
    if _stem(one) == _stem(other):
        return "plural"
    if min(len(one), len(other)) < SHORTEST or _DIGITS.findall(one) != _DIGITS.findall(other):
        return None
    return "close" if difflib.SequenceMatcher(None, one, other).ratio() >= CLOSE else None


def _stem(name: str) -> str:
    """Every word without the mark of its plural; the article of Arabic goes too. Persian's stands apart once folded."""
    words = [word.removeprefix("ال") if len(word) > 4 else word for word in name.split() if word not in ("ها", "های")]
    return " ".join(map(_singular, words))


def _singular(word: str) -> str:
    if _SINGULAR.search(word):
        return word
    for ending, instead in _PLURALS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending) + instead
    return word[:-1] if len(word) > 3 and word.endswith("ه") else word
