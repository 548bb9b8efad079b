"""What names an issue: the words and pairs of words that its customers use and others do not.

Class-based TF-IDF (c-TF-IDF; Grootendorst 2022, arXiv:2203.05794) within each language, so that an issue of Persian
customers is not named by what is merely Persian. A word counts once a customer, and needs three of them, so that a
name which one customer wrote is never shown. Words that many of the others use, too, and pairs with such a word are
left out.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from pipeline.emerging.clusters import NONE

TERMS = 6
CUSTOMERS = 3
GENERAL, RARER = 0.05, 5  # a general word: of more than this share of the others, and than a fifth of the share here

_PLACEHOLDER = re.compile(r"\[(?:card|iban|national[_ ]id|phone|email)\]")
_WORD = re.compile(r"(?<!\w)[^\W\d_]+(?:['\u200c-][^\W\d_]+)*(?!\w)")
# The affixes that Persian joins by a half-space, which normalising made a space.
_BEFORE = re.compile(r"(?<!\w)(ن?می) (?=[^\W\d_])")
_AFTER = re.compile(r"(?<=[^\W\d_]) (ها(?:ی|یی|یم|یت|یش|یمان|یتان|یشان)?|تر(?:ین)?)(?!\w)")


@dataclass(frozen=True, slots=True)
class Said:
    """One message: its normalised, masked text, who wrote it in which language, and its cluster."""

    text: str
    language: str
    writer: int
    cluster: int


def name_clusters(said: Sequence[Said], clusters: int) -> list[tuple[str, ...]]:
    """At most six terms of each cluster, best first, its languages in turn; messages of none are the background."""
    ranked: list[list[list[str]]] = [[] for _ in range(clusters)]
    spoken = Counter(each.language for each in said if each.cluster != NONE)
    for language, _ in spoken.most_common():
        weighed = _weights(*_counts([each for each in said if each.language == language]))
        for cluster, weights in weighed.items():
            ranked[cluster].append(_distinct(sorted(weights, key=lambda term: (-weights[term], term))))
    return [tuple(_in_turn(lists))[:TERMS] for lists in ranked]


def words(text: str, language: str) -> Iterator[str]:
    """Words of two letters or more, and pairs of neighbours, of a normalised text; no digits, no placeholders."""
    text = _PLACEHOLDER.sub("|", text).lower()
    if language == "fa":
        text = _AFTER.sub("\u200c\\1", _BEFORE.sub("\\1\u200c", text))
    found = list(_WORD.finditer(text))
    yield from (word[0] for word in found if len(word[0]) > 1)
    for one, other in pairwise(found):
        if other.start() - one.end() == 1 and text[one.end()] == " ":
            yield f"{one[0]} {other[0]}"


def _counts(said: Sequence[Said]) -> tuple[dict[int, Counter[str]], Counter[int]]:
    """By cluster, `NONE` included: how many customers used each term, and how many customers there are."""
    used: dict[tuple[int, int], set[str]] = defaultdict(set)
    for each in said:
        used[each.cluster, each.writer].update(words(each.text, each.language))
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for (cluster, _), terms in used.items():
        counts[cluster].update(terms)
    return counts, Counter(cluster for cluster, _ in used)


def _weights(counts: dict[int, Counter[str]], writers: Counter[int]) -> dict[int, dict[str, float]]:
    """By cluster: share of the term in the cluster * log(1 + mean terms of a cluster / count of the term)."""
    everywhere: Counter[str] = sum(counts.values(), Counter())
    mean = everywhere.total() / max(len(counts), 1)
    weights = {}
    for cluster, found in counts.items():
        if cluster != NONE:
            others = writers.total() - writers[cluster]
            special = {
                term
                for term, count in found.items()
                if everywhere[term] - count <= others * max(GENERAL, count / writers[cluster] / RARER)
            }
            weights[cluster] = {
                term: found[term] / found.total() * math.log1p(mean / everywhere[term])
                for term in special
                if found[term] >= CUSTOMERS and special.issuperset(term.split())
            }
    return weights


def _distinct(terms: Sequence[str]) -> list[str]:
    """Without those that repeat a word of a better one."""
    kept: list[str] = []
    told: set[str] = set()
    for term in terms:
        if told.isdisjoint(term.split()):
            kept.append(term)
            told.update(term.split())
    return kept[:TERMS]


def _in_turn(lists: Sequence[Sequence[str]]) -> Iterator[str]:
    seen: set[str] = set()
    for terms in zip_longest(*lists):
        for term in terms:
            if term is not None and term not in seen:
                seen.add(term)
                yield term
