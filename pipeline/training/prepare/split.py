"""Dev rows for the sources that came without any."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace

from pipeline.training.prepare.example import Example

SHARE = 0.05
MOST = 500


def carve_dev(examples: list[Example], train_only: Collection[str], *, seed: int) -> list[Example]:
    """Moves about 5% of the train rows to dev, at most 500 a source, where a source has no dev rows.

    Texts are unique by now, so a row is its own group. Which ones move depends on the seed and the row's id alone:
    not on labels, order or the version of the normaliser.
    """
    complete = {example.source for example in examples if example.split == "dev"}.union(train_only)
    ids: dict[str, list[str]] = defaultdict(list)
    for example in examples:
        if example.split == "train" and example.source not in complete:
            ids[example.source].append(example.id)
    chosen: set[str] = set()
    for found in ids.values():
        found.sort(key=lambda key: _draw(key, seed))
        chosen.update(found[: min(MOST, round(SHARE * len(found)))])
    return [replace(example, split="dev") if example.id in chosen else example for example in examples]


def _draw(key: str, seed: int) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=8, salt=seed.to_bytes(8, "big", signed=True)).digest()
