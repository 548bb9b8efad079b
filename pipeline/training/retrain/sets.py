"""Rows that may have several labels each: whether an export's do, and what of them is learnt."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipeline.columns.names import closest, fold, is_list, labels_in
from pipeline.records import Reject
from pipeline.taxonomy import OUT_OF_SCOPE
from pipeline.training.retrain.labels import OTHER, LabelSet, without
from pipeline.training.retrain.names import several
from pipeline.training.retrain.rows import Labelled

SHARE = 0.05  # of the rows, from which on those with several labels are no mistake


def has_several(cells: Sequence[str]) -> bool:
    """Whether an export's rows have several labels often enough to learn them so."""
    together = several(cells)
    return sum(cell in together and len(labels_in(cell)) > 1 for cell in cells) >= max(SHARE * len(cells), 1)


def parts(cells: Iterable[str], *, multilabel: bool) -> dict[str, tuple[str, ...]]:
    """Cell -> its label names. A cell is one label unless it is a list, or rows may have several and it holds them."""
    given = list(cells)
    together = several(given, sure=False) if multilabel else {cell for cell in given if is_list(cell)}
    found = {cell: labels_in(cell) if cell in together else (cell,) for cell in given}
    return {cell: names if multilabel or len(names) == 1 else (cell,) for cell, names in found.items()}


def resolve_sets(
    rows: Sequence[Labelled], labels: LabelSet, rejects: list[Reject]
) -> tuple[list[Labelled], dict[str, int]]:
    """Rows with their topics, the first of them for what can only take one; a row with an unknown label is left out."""
    known = {fold(topic): topic for topic in labels.taxonomy.topic_ids}
    kept, unknown = [], Counter[str]()
    for row in rows:
        names = (row.label,) if labels.topic(row.label) else labels_in(row.label)
        topics = [labels.topic(name) for name in names]
        missing = [name for name, topic in zip(names, topics, strict=True) if topic is None]
        if missing or not topics:
            near = closest(missing[0], known) if missing else None
            hint = f"; the closest is {near!r}" if near else ""
            unknown.update(missing)
            rejects.append(_reject(row, f"its label {(missing or [row.label])[0]!r} is none to learn{hint}"))
        else:
            kept.append(with_topics(row, [topic for topic in topics if topic]))
    return kept, dict(unknown)


def join_copies(rows: Sequence[Labelled], rejects: list[Reject]) -> tuple[list[Labelled], int]:
    """One row of each text, with the labels of all its copies: an export may give a line to each label of a ticket."""
    groups: dict[bytes, list[Labelled]] = defaultdict(list)
    for row in rows:
        groups[row.key].append(row)
    kept, copies = [], 0
    for first, *others in groups.values():
        kept.append(with_topics(first, [topic for row in (first, *others) for topic in row.topics]))
        copies += len(others)
        rejects += [_reject(row, f"it is a copy of row {first.number}, which has its labels too") for row in others]
    return sorted(kept, key=lambda row: row.number), copies


def without_rare(
    rows: Sequence[Labelled], labels: LabelSet, rejects: list[Reject], *, fewest: int, other: bool
) -> tuple[list[Labelled], LabelSet, dict[str, int]]:
    """A row loses its rare labels, and is left out when it has no other; with `other` they become that one."""
    counts = Counter(topic for row in rows for topic in row.topics)
    topics = [topic for topic in labels.taxonomy.topic_ids if topic not in labels.taught and topic != OUT_OF_SCOPE]
    gone = {topic: counts[topic] for topic in topics if counts[topic] < fewest}
    instead = (OTHER.id,) if other and sum(gone.values()) >= fewest else ()
    kept = []
    for row in rows:
        found = [name for topic in row.topics for name in (instead if topic in gone else (topic,))]
        if found:
            kept.append(with_topics(row, found))
        else:
            rejects.append(_reject(row, f"its labels {', '.join(map(repr, row.topics))} are too rare to learn"))
    return kept, without(labels, gone, other=bool(instead)), gone


def with_topics(row: Labelled, topics: Iterable[str]) -> Labelled:
    """Each once; what is out of scope has no other topic, and what has another is not out of scope."""
    unique = list(dict.fromkeys(topics))
    inside = [topic for topic in unique if topic != OUT_OF_SCOPE] or unique
    return replace(row, label=inside[0], labels=tuple(inside))


def _reject(row: Labelled, reason: str) -> Reject:
    return Reject(row.number, reason, {"id": row.id, "label": row.label, "text": row.text})
