"""Labelled rows -> rows to learn from: labels resolved, copies and contradictions out, labels too rare out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.columns.names import closest
from pipeline.errors import InputError, UsageError
from pipeline.records import Reject
from pipeline.taxonomy import OUT_OF_SCOPE
from pipeline.training.retrain.labels import OTHER, LabelSet, without
from pipeline.training.retrain.names import several
from pipeline.training.retrain.rows import Export, Labelled
from pipeline.training.retrain.sets import join_copies, parts, resolve_sets, without_rare

FEWEST = 8  # rows of a label that can be learnt
RARE = ("leave", "other")  # what becomes of the rows of rarer labels


@dataclass(frozen=True, slots=True)
class Gathered:
    """`rows` have topics of `labels` for labels. What did not make it is in `rejects`, each with its reason.

    Counts are of rows: `copies` of another row's text, `conflicts` of one text with several labels, `unknown` label
    names and `rare` ones by name, `several` labels in one cell (which are learnt where `labels` allow several a row),
    `corrected` by the user.
    """

    rows: Sequence[Labelled]
    labels: LabelSet
    rejects: Sequence[Reject]
    copies: int
    conflicts: int
    several: int
    corrected: int
    unknown: Mapping[str, int]
    rare: Mapping[str, int]


def gather(
    export: Export, labels: LabelSet, *, corrections: Mapping[int, str] | None = None, rare: str = "leave"
) -> Gathered:
    """`corrections` is row number -> label name, "-" to leave the row out; `rare` one of `RARE`.

    Raises UsageError for another `rare`, InputError when fewer than two labels are left to tell apart.
    """
    if rare not in RARE:
        raise UsageError(f"--rare is {rare!r}, expected one of {', '.join(RARE)}")
    rejects = list(export.rejects)
    rows, corrected = _corrected(export.rows, corrections or {}, rejects)
    gathered = _sets(rows, labels, rejects, rare) if labels.taxonomy.multilabel else _ones(rows, labels, rejects, rare)
    if len({topic for row in gathered.rows for topic in row.topics} - {OUT_OF_SCOPE}) < 2:
        raise InputError(
            f"{export.path}: fewer than two labels have {FEWEST} rows or more with different texts; "
            "label more rows, or name the right column with --label"
        )
    return replace(gathered, corrected=corrected)


def _ones(rows: Sequence[Labelled], labels: LabelSet, rejects: list[Reject], rare: str) -> Gathered:
    """Of rows with one label each."""
    unique, counts, unknown = resolve(rows, labels, rejects)
    kept, found, scarce = _without_rare(unique, labels, rare, rejects)
    return Gathered(kept, found, rejects, *counts, 0, unknown, scarce)


def resolve(
    rows: Sequence[Labelled], labels: LabelSet, rejects: list[Reject]
) -> tuple[list[Labelled], tuple[int, int, int], dict[str, int]]:
    """One row of each text, with its topic; the counts of copies, conflicts and several labels; unknown labels."""
    names = parts((row.label for row in rows), multilabel=False)
    rows = [replace(row, label=names[row.label][0]) for row in rows]
    together = several([row.label for row in rows])
    resolved, unknown = _resolved(rows, labels, together, rejects)
    unique, copies, conflicts = _unique(resolved, rejects)
    return unique, (copies, conflicts, sum(row.label in together for row in rows)), unknown


def _sets(rows: Sequence[Labelled], labels: LabelSet, rejects: list[Reject], rare: str) -> Gathered:
    """Of rows that may have several."""
    resolved, unknown = resolve_sets(rows, labels, rejects)
    unique, copies = join_copies(resolved, rejects)
    kept, found, scarce = without_rare(unique, labels, rejects, fewest=FEWEST, other=rare == "other")
    number = sum(len(row.topics) > 1 for row in kept)
    return Gathered(kept, found, rejects, copies, 0, number, 0, unknown, scarce)


def _corrected(
    rows: Sequence[Labelled], corrections: Mapping[int, str], rejects: list[Reject]
) -> tuple[list[Labelled], int]:
    kept = []
    for row in rows:
        label = corrections.get(row.number, row.label)
        if label == "-":
            rejects.append(_reject(row, "the corrections leave it out"))
        else:
            kept.append(replace(row, label=label))
    return kept, len({row.number for row in rows} & corrections.keys())


def _resolved(
    rows: Sequence[Labelled], labels: LabelSet, together: frozenset[str], rejects: list[Reject]
) -> tuple[list[Labelled], dict[str, int]]:
    kept, unknown = [], Counter[str]()
    for row in rows:
        topic = labels.topic(row.label)
        if topic is not None and row.label not in together:
            kept.append(replace(row, label=topic))
        elif row.label in together:
            rejects.append(_reject(row, f"it has several labels ({row.label}); one label a row is learnt"))
        else:
            unknown[row.label] += 1
            near = closest(row.label, labels.folded)
            hint = f"; the closest is {near!r}" if near else ""
            rejects.append(_reject(row, f"its label {row.label!r} is not in the taxonomy file{hint}"))
    return kept, dict(unknown)


def _unique(rows: Sequence[Labelled], rejects: list[Reject]) -> tuple[list[Labelled], int, int]:
    """The first row of each text; none of a text whose copies have different labels."""
    groups: dict[bytes, list[Labelled]] = defaultdict(list)
    for row in rows:
        groups[row.key].append(row)
    kept, copies, conflicts = [], 0, 0
    for group in groups.values():
        names = sorted({row.label for row in group})
        if len(names) > 1:
            conflicts += len(group)
            rejects += [_reject(row, f"the same text also has the label {_others(names, row.label)}") for row in group]
        else:
            kept.append(group[0])
            copies += len(group) - 1
            rejects += [_reject(row, f"it is a copy of row {group[0].number}") for row in group[1:]]
    return sorted(kept, key=lambda row: row.number), copies, conflicts


def _without_rare(
    rows: Sequence[Labelled], labels: LabelSet, rare: str, rejects: list[Reject]
) -> tuple[list[Labelled], LabelSet, dict[str, int]]:
    """The base model's own labels are never rare where messages that we wrote teach them as well."""
    counts = Counter(row.label for row in rows)
    topics = [topic for topic in labels.taxonomy.topic_ids if topic not in labels.taught and topic != OUT_OF_SCOPE]
    gone = {topic: counts[topic] for topic in topics if counts[topic] < FEWEST}
    together = sum(gone.values())
    other = rare == "other" and together >= FEWEST
    found = without(labels, gone, other=other)
    if not other:
        rare_rows = [row for row in rows if row.label in gone]
        rejects += [_reject(row, f"its label {row.label!r} has only {gone[row.label]} rows") for row in rare_rows]
        return [row for row in rows if row.label not in gone], found, gone
    return [replace(row, label=OTHER.id) if row.label in gone else row for row in rows], found, gone


def _others(names: Sequence[str], mine: str) -> str:
    return ", ".join(repr(name) for name in names if name != mine)


def _reject(row: Labelled, reason: str) -> Reject:
    return Reject(row.number, reason, {"id": row.id, "label": row.label, "text": row.text})
