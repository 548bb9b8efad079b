"""Label names that may well be one label: the same but for case, spelling or plural, or nearly the same."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from pipeline.columns.names import fold

CLOSE, SHORTEST = 0.88, 5  # similarity of two folded names, and the length from which it means something
_BETWEEN = re.compile("[;|]")
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


def closest(name: str, known: Mapping[str, str]) -> str | None:
    """Of `known` (folded name -> label) the label whose name is nearest; None when none is near."""
    near = difflib.get_close_matches(fold(name), known, n=1, cutoff=0.6)
    return known[near[0]] if near else None


def several(labels: Iterable[str]) -> frozenset[str]:
    """The cells that hold several labels with `;` or `|` between them: each of them stands alone elsewhere."""
    known = set(labels)
    parts = {cell: [part.strip() for part in _BETWEEN.split(cell)] for cell in known if _BETWEEN.search(cell)}
    return frozenset(cell for cell, found in parts.items() if len(found) > 1 and known.issuperset(found))


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
