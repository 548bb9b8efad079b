"""What a person said of the changed messages: better, worse or same; a file read back, and the sign test."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.columns.names import fold
from pipeline.errors import InputError
from pipeline.readers import open_source
from pipeline.training.registry.store import Registry, Version

BETTER, WORSE, SAME = "better", "worse", "same"
WORDS = {
    BETTER: ("better", "new", "أفضل", "بهتر"),
    WORSE: ("worse", "old", "أسوأ", "بدتر"),
    SAME: ("same", "equal", "سواء", "مثل هم", "یکسان"),
}
VERDICT, MODELS = "verdict", ("old_model", "new_model")
TAG = "judged"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Counts of changed messages that a person judged; `old` and `new` are the sha256 of the two bundles."""

    old: str
    new: str
    better: int
    worse: int
    same: int
    by: str = ""

    @property
    def judged(self) -> int:
        return self.better + self.worse + self.same

    def chance(self) -> float:
        """The one-sided sign test: the probability of so many worse ones, were better and worse equally likely."""
        from scipy.stats import binomtest

        decided = self.better + self.worse
        return float(binomtest(self.worse, decided, 0.5, alternative="greater").pvalue) if decided else 1.0


def read_judged(path: str, *, by: str = "") -> Judgement:
    """A sheet that `nabd replay` wrote, its column `verdict` filled in; rows left empty are not judged.

    Raises InputError for another file, for rows of several pairs of models, and for a word that is no verdict.
    """
    known = {fold(word): verdict for verdict, words in WORDS.items() for word in words}
    counts: Counter[str] = Counter()
    pairs = set()
    with open_source(path) as source:
        if missing := [name for name in (VERDICT, *MODELS) if name not in source.columns]:
            raise InputError(f"{path} has no column {missing[0]}: it is no sheet that `nabd replay` wrote")
        for item in source:
            pairs.add(tuple(str(item.values.get(name) or "") for name in MODELS))
            said = fold(str(item.values.get(VERDICT) or ""))
            if said and said not in known:
                expected = ", ".join(WORDS)
                raise InputError(
                    f"{path}, row {item.number}: the verdict is none of {expected}; correct it or empty it"
                )
            counts[known.get(said, "")] += 1
    if len(pairs) != 1:
        raise InputError(f"{path} compares {len(pairs)} pairs of models, expected one; judge one replay at a time")
    old, new = pairs.pop()
    return Judgement(old, new, counts[BETTER], counts[WORSE], counts[SAME], by)


def store_judged(found: Judgement, registry: Registry) -> Version:
    """Keeps it with the version of the new model. Raises InputError when that is not registered."""
    version = registry.of_bundle(found.new)
    if version is None:
        raise InputError(f"the model {found.new[:8]} is not in {registry.tracking}; name its folder by --new")
    registry.tag(version.number, TAG, asdict(found))
    return registry.version(version.number)


def judgement_of(version: Version) -> Judgement | None:
    """What is kept with a version."""
    content = version.tags.get(TAG)
    given: Mapping[str, Any] | None = json.loads(content) if content else None
    return Judgement(**given) if given else None
