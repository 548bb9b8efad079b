"""The fast student: hashed words, word pairs and character n-grams, each a row of one int8 table, summed and
divided by the root of their number.

As fastText does it (Bojanowski et al. 2017, arXiv:1607.04606), in whole arrays at a time: no subword tokenizer, which
alone would take longer than all of this. A text gives the same vector alone as in any list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pipeline.encoder import EncoderFolder, Vectors

NGRAMS = (3, 4, 5)  # characters of a word with its two edges
LONGEST = 2_000  # characters read of one text
PART = 1024  # texts whose features are found at once

Ids = NDArray[np.uint32]
_MULTIPLIER = np.uint32(0x9E3779B1)  # Knuth's multiplicative hash: 2 ** 32 over the golden ratio
_BASE = np.uint32(0x01000193)  # the prime of FNV-1a
_POWERS = np.power(np.uint32(0x85EBCA6B), np.arange(64, dtype=np.uint32), dtype=np.uint32)  # of a letter's place
_EDGE = np.uint32(32)
NOTHING = "\N{NULL}"  # what an empty text is read as


@dataclass(frozen=True)
class StaticEncoder(EncoderFolder):
    """A folder of `encoder.json` and `table.safetensors`: an int8 table (buckets, d), a scale a row."""

    KIND: ClassVar[str] = "static"
    FILES: ClassVar[tuple[str, ...]] = ("table.safetensors",)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Normalised texts -> (n, d)."""
        parts = [self._encode(texts[start : start + PART]) for start in range(0, len(texts), PART)]
        return np.concatenate(parts) if parts else np.zeros((0, self.width), np.float32)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        ids, starts = features(texts, buckets=len(self._table))
        counts = np.diff(starts, append=len(ids))
        ones, sums = np.ones(counts.max(), np.float32), np.empty((len(texts), self.width), np.float32)
        for row, (start, count) in enumerate(zip(starts.tolist(), counts.tolist(), strict=True)):
            # a product with ones is a sum, ten times as fast here as np.add.reduceat
            np.dot(ones[:count], self._table.take(ids[start : start + count], axis=0), out=sums[row])
        return np.asarray(sums / np.sqrt(counts, dtype=np.float32)[:, None])

    @cached_property
    def _table(self) -> Vectors:
        from safetensors.numpy import load_file

        stored = load_file(self.folder / "table.safetensors")
        return np.asarray(stored["table"] * stored["scale"][:, None].astype(np.float32))


def features(texts: Sequence[str], *, buckets: int) -> tuple[Ids, NDArray[np.int64]]:
    """The buckets of every feature of `texts`, one text after the other, and where each text starts among them.

    A text has at least one feature. `buckets` is a power of two; fewer than 65,536 texts at a time.
    """
    letters, owner = _letters(texts)
    edge = letters == _EDGE
    hashes, owners = [], []
    for found, places in (*(_ngrams(letters, edge, length) for length in NGRAMS), *_words(letters, edge, owner)):
        hashes.append(found)
        owners.append(owner[places])
    owners_joined = np.concatenate(owners)
    order = np.argsort(owners_joined, kind="stable")  # a radix sort, for 16 bits
    mixed = np.concatenate(hashes)[order]
    shift = np.uint32(33 - buckets.bit_length())
    counts = np.bincount(owners_joined, minlength=len(texts))
    return ((mixed ^ (mixed >> np.uint32(15))) * _MULTIPLIER) >> shift, np.cumsum(counts) - counts


def _letters(texts: Sequence[str]) -> tuple[Ids, NDArray[np.uint16]]:
    """All texts as code points, lower case, each framed by edges; and which text each letter is of."""
    framed = [f" {text[:LONGEST].lower().strip(' ') or NOTHING} " for text in texts]
    letters = np.frombuffer("".join(framed).encode("utf-32-le", "surrogatepass"), np.uint32)
    return letters, np.repeat(np.arange(len(texts), dtype=np.uint16), [len(text) for text in framed])


def _ngrams(letters: Ids, edge: NDArray[np.bool_], length: int) -> tuple[Ids, NDArray[np.int64]]:
    """Hashes of the runs of `length` letters without an edge inside, and where they start."""
    edges = np.cumsum(edge)
    places = np.flatnonzero(edges[length - 2 : -1] == edges[: 1 - length])
    hashes = np.full(len(places), length, np.uint32)
    for step in range(length):
        hashes = hashes * _BASE + letters[places + step]
    return hashes, places


def _words(letters: Ids, edge: NDArray[np.bool_], owner: NDArray[np.uint16]) -> list[tuple[Ids, NDArray[np.int64]]]:
    """Hashes of the words, then of each word with the one after it, and where they start."""
    starts = np.flatnonzero(edge[:-1] & ~edge[1:]) + 1
    ends = np.flatnonzero(~edge[:-1] & edge[1:]) + 1
    inside = np.repeat(starts, ends - starts)
    places = np.flatnonzero(~edge)
    values = (letters[places] + _BASE) * _POWERS[(places - inside) % len(_POWERS)]
    words = np.add.reduceat(values, np.cumsum(ends - starts) - (ends - starts), dtype=np.uint32)
    same = np.append(owner[starts[1:]] == owner[starts[:-1]], False)
    after = np.where(same, np.roll(words, -1), np.uint32(0))
    return [(words, starts), (words * _MULTIPLIER + (after ^ _BASE), starts)]
