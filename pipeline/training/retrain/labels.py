"""What the label names of an export mean: the base model's labels, the company's own, or those of a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pipeline.columns.names import fold
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE, Label, Taxonomy
from pipeline.training.retrain.taxonomies import read_file

OTHER = Label("other", "Other", "أخرى", "سایر", "labels too rare to learn", "other")
OUTSIDE = next(label for label in DEFAULT.topics if label.id == OUT_OF_SCOPE)
OUTSIDE_CATEGORY = next(label for label in DEFAULT.categories if label.id == OUT_OF_SCOPE)


@dataclass(frozen=True)
class LabelSet:
    """The taxonomy to learn; `spelled` maps a name of the export to its topic, `folded` any spelling of one.

    `queues` is topic -> queue, where a file names one. `kind` is base, own or file.
    """

    taxonomy: Taxonomy
    kind: str
    spelled: Mapping[str, str] = field(default_factory=dict)
    folded: Mapping[str, str] = field(default_factory=dict)
    queues: Mapping[str, str] = field(default_factory=dict)

    def topic(self, name: str) -> str | None:
        """None for a name that is no label here."""
        return self.spelled.get(name) or self.folded.get(fold(name))

    @cached_property
    def taught(self) -> frozenset[str]:
        """The topics that the messages we wrote teach: those with the very names and meanings of our own guide."""
        return frozenset(topic.id for topic in self.taxonomy.topics if topic in DEFAULT.topics)

    def described(self) -> list[tuple[str, str]]:
        """(topic, text) of every topic whose description or names say more than its id, and that has no such rows."""
        found = []
        for label in (topic for topic in self.taxonomy.topics if topic.id not in self.taught):
            names = dict.fromkeys(name for name in (label.en, label.ar, label.fa) if name)
            if label.meaning or list(names) != [label.id]:
                found += [(label.id, text) for text in (label.meaning, *names) if text]
        return found


def label_set(names: Iterable[str], base: Taxonomy, file: Path | None = None) -> LabelSet:
    """Of a file, if there is one; of the base model, if all `names` are among its labels; else of the names themselves.

    Raises UsageError for a file that cannot be used.
    """
    if file is not None:
        return _of_file(file, base)
    known, wanted = _spellings(base.topics), sorted(set(names))
    if all(fold(name) in known for name in wanted):
        return LabelSet(base, "base", folded=known)
    outside = _spellings([OUTSIDE])
    spelled = {name: outside.get(fold(name), name) for name in wanted}
    own = [Label(topic, topic, topic, topic, parent=topic) for topic in spelled.values() if topic != OUT_OF_SCOPE]
    return LabelSet(two_level(own, own), "own", spelled)


def two_level(topics: Sequence[Label], categories: Iterable[Label]) -> Taxonomy:
    """With out of scope at the end, and a category that is no topic's parent left out."""
    above = {topic.parent for topic in topics}
    kept = [label for label in categories if label.id in above and label.id != OUT_OF_SCOPE]
    inside = [label for label in topics if label.id != OUT_OF_SCOPE]
    return Taxonomy((*kept, OUTSIDE_CATEGORY), (*inside, OUTSIDE))


def without(labels: LabelSet, gone: Iterable[str], *, other: bool) -> LabelSet:
    """Without the topics `gone`; with `other` their names mean the topic `OTHER` instead."""
    left_out = set(gone) - {OUT_OF_SCOPE}
    if not left_out:
        return labels
    table = labels.taxonomy
    topics = [topic for topic in table.topics if topic.id not in left_out]
    categories = list(table.categories)
    if other:
        topics, categories = [*topics, OTHER], [*categories, OTHER]
    instead = {topic: OTHER.id for topic in left_out} if other else dict.fromkeys(left_out, "")
    spelled, folded = (
        {name: found for name, topic in given.items() if (found := instead.get(topic, topic))}
        for given in (labels.spelled, labels.folded)
    )
    left = replace(two_level(topics, categories), multilabel=table.multilabel)
    return LabelSet(left, labels.kind, spelled, folded, labels.queues)


def _of_file(path: Path, base: Taxonomy) -> LabelSet:
    given = read_file(path)
    topics, categories = list(given.topics), list(given.categories)
    if given.extend:
        taken, above = {topic.id for topic in topics}, {category.id for category in categories}
        topics = [*(topic for topic in base.topics if topic.id not in taken), *topics]
        categories = [*(each for each in base.categories if each.id not in above), *categories]
    table = two_level(topics, categories)
    spelled = {**{topic.id: topic.id for topic in table.topics}, **given.aliases}
    return LabelSet(table, "file", spelled, _spellings(table.topics) | _folded(given.aliases), given.queues)


def _spellings(topics: Iterable[Label]) -> dict[str, str]:
    names = {name: topic.id for topic in topics for name in (topic.fa, topic.ar, topic.en, topic.id)}
    return _folded(names)


def _folded(names: Mapping[str, str]) -> dict[str, str]:
    return {fold(name): topic for name, topic in names.items() if fold(name)}
