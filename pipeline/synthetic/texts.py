"""The messages written for this project, to draw from: the authored rows of the training data, and the incidents'."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.errors import InputError
from pipeline.synthetic import world
from pipeline.synthetic.chance import Floats, Ints, pick_each
from pipeline.taxonomy import NEGATIVE, POSITIVE
from pipeline.training.sources.folder import PACKAGE, Located, find_files, read_rows
from pipeline.training.sources.registry import get_source, load_registry

SOURCE = "authored"
_SIGNS = (-1, 0, 1)


class Pool:
    """Texts by language, topic and the sign of their sentiment."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """`rows` have `lang`, `topic`, `sentiment` and `text`. Raises InputError when a language has none."""
        self._texts: dict[tuple[str, str, int], list[str]] = defaultdict(list)
        self._any: dict[tuple[str, int], list[str]] = defaultdict(list)
        for row in rows:
            sign = {NEGATIVE: -1, POSITIVE: 1}.get(row["sentiment"], 0)
            self._texts[row["lang"], row["topic"], sign].append(row["text"])
            self._any[row["lang"], sign].append(row["text"])
        for language in world.LANGUAGES:
            if not any(self._any[language, sign] for sign in _SIGNS):
                raise InputError(f"no {language} text to draw from; install the package again, it ships with them")

    def draw(self, language: str, topic: str, satisfaction: Floats, random: np.random.Generator) -> list[str]:
        """A text for each value of `satisfaction`, all in one language and of one topic.

        Each text is exp(SENTIMENT_PULL * satisfaction * sign of its sentiment) times as likely as a neutral one: the
        nearest that there is, where no text of the topic has the customer's mood. A topic without any text in the
        language takes the language's other topics.
        """
        classes = [self._texts.get((language, topic, sign), []) for sign in _SIGNS]
        if not any(classes):
            classes = [self._any[language, sign] for sign in _SIGNS]
        return _draw(classes, satisfaction, random)


def load_pool() -> Pool:
    """The authored messages that ship inside the package."""
    source = get_source(load_registry(), SOURCE)
    located = Located(source, find_files(source, PACKAGE), source.sha256)
    return Pool(row for _, _, row in read_rows(located))


def draw_same(texts: Sequence[str], count: int, random: np.random.Generator) -> list[str]:
    """`count` of `texts`, each as likely as any other."""
    return [texts[place] for place in random.integers(0, len(texts), count)]


def _draw(classes: Sequence[Sequence[str]], satisfaction: Floats, random: np.random.Generator) -> list[str]:
    sizes = np.array([len(texts) for texts in classes])
    weights = sizes * np.exp(world.SENTIMENT_PULL * satisfaction[:, None] * np.array(_SIGNS))
    chosen: Ints = pick_each(weights, random)
    places = (random.random(len(chosen)) * sizes[chosen]).astype(np.int64)
    return [classes[which][place] for which, place in zip(chosen, places, strict=True)]
