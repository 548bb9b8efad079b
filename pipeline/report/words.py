"""The words of the page in its language: its own from `words.toml`, the labels' from the taxonomy."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pipeline.report.locale import Locale
from pipeline.taxonomy import DEFAULT, Taxonomy

_LATIN = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٪", "01234567890123456789%")


@dataclass(frozen=True)
class Words:
    """Words for a page in `locale`, with the label names of `taxonomy`.

    Each of `packages` holds a table `words.toml`; where two know a key, the first does.
    """

    locale: Locale
    taxonomy: Taxonomy = DEFAULT
    packages: tuple[str, ...] = ("pipeline.report",)

    def __call__(self, key: str, **names: str) -> str:
        """The words that go by `key`, `names` filled in; a programming error when there are none."""
        return self._words(_table(self.packages)[key]).format(**names)

    def known(self, key: str) -> str:
        """The words that go by `key`, or the key itself in plain letters: a reason, a band, a user's own label."""
        found = _table(self.packages).get(key)
        return self._words(found) if found else key.replace("_", " ")

    def label(self, task: str, label: str) -> str:
        """The name of a label; one that the taxonomy does not know is its own name."""
        if not label:
            return self("unknown")
        named = {each.id: each for each in self.taxonomy.named.get(task, ())}
        return str(getattr(named[label], self.locale.language)) if label in named else label

    def _words(self, found: Mapping[str, str]) -> str:
        text = found[self.locale.language]
        return text.translate(_LATIN) if self.locale.latin else text


@cache
def _table(packages: tuple[str, ...]) -> Mapping[str, Mapping[str, str]]:
    found: dict[str, Mapping[str, str]] = {}
    for package in reversed(packages):
        found |= tomllib.loads(files(package).joinpath("words.toml").read_text(encoding="utf-8"))
    return found
