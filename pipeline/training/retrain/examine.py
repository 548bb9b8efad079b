"""What is to be known of an export before anything is learnt from it, in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pipeline.taxonomy import OUT_OF_SCOPE
from pipeline.training.retrain.gather import FEWEST, Gathered
from pipeline.training.retrain.names import Near
from pipeline.training.retrain.rows import Export
from pipeline.training.retrain.splits import DEV, GATE, Split
from pipeline.training.tables import table

READ = ("ar", "fa", "en")
FEW_TO_LEARN = 5  # rows of a label in train
ROLES = ("text", "subject", "label", "customer", "time", "id", "sentiment", "emotion", "urgency", "churn")


def examine(export: Export, found: Gathered, near: Sequence[Near], split: Split) -> str:
    """Markdown: the columns, rows by label and language, and every finding in a line of its own."""
    columns = ", ".join(f"{role} in {export.found[role]!r}" for role in ROLES if role in export.found)
    total = len(export.rows) + export.unlabelled + len(export.rejects)
    head = f"{export.path}: {total:,} rows, {len(export.rows):,} of them labelled and readable. Columns: {columns}."
    lines = "\n".join(f"- {line}" for line in findings(export, found, near, split))
    return f"{head}\n\n{label_table(found)}\n\n{lines}"


def label_table(found: Gathered) -> str:
    """Rows by label and language."""
    counts = Counter((topic, row.language) for row in found.rows for topic in row.topics)
    spoken = [name for name in READ if any(row.language == name for row in found.rows)]
    others = sorted({row.language for row in found.rows} - set(READ))
    totals = Counter(topic for row in found.rows for topic in row.topics)
    rows = [
        [label, *(counts[label, language] for language in (*spoken, *others)), totals[label]]
        for label in sorted(totals, key=lambda each: (-totals[each], each))
    ]
    return table(["label", *spoken, *others, "all"], rows)


def findings(export: Export, found: Gathered, near: Sequence[Near], split: Split) -> Iterator[str]:
    """One sentence or two each; what is fine is not said, except how the rows are split."""
    yield from _labels(found, near)
    yield from _rows(export, found)
    yield from _split(found, split)


def _labels(found: Gathered, near: Sequence[Near]) -> Iterator[str]:
    for each in near:
        how = {"spelling": "differ in spelling alone", "plural": "differ in number alone"}.get(each.how, "are close")
        yield (
            f"The labels {each.keep!r} and {each.other!r} {how}. If they are one, list the second among the `aliases` "
            "of the first in a taxonomy file."
        )
    for name, rows in found.unknown.items():
        yield f"{rows} rows have the label {name!r}, which the taxonomy file does not know; they are left out."
    if found.rare:
        listed = ", ".join(f"{name!r} ({rows})" for name, rows in found.rare.items())
        fate = "are kept under 'other'" if "other" in found.labels.taxonomy.topic_ids else "are left out"
        yield f"Labels with fewer than {FEWEST} rows cannot be learnt: {listed}. Their rows {fate}."


def _rows(export: Export, found: Gathered) -> Iterator[str]:
    if export.unlabelled:
        yield f"{export.unlabelled:,} rows have no label and are passed over."
    if export.rejects:
        reasons = Counter(reject.reason for reject in export.rejects)
        listed = ", ".join(f"{count:,}: {reason}" for reason, count in reasons.most_common(3))
        yield f"{len(export.rejects):,} rows cannot be used ({listed})."
    others = Counter(row.language for row in found.rows if row.language not in READ)
    if others:
        listed = ", ".join(f"{count} {name}" for name, count in sorted(others.items()))
        yield f"{sum(others.values()):,} rows are in no single language ({listed}); they are learnt all the same."
    if found.conflicts:
        yield f"{found.conflicts:,} rows share their text with a row of another label; none of them is learnt."
    if found.copies and found.labels.taxonomy.multilabel:
        yield f"{found.copies:,} rows are copies of another; one of each text is kept, with the labels of all."
    elif found.copies:
        yield f"{found.copies:,} rows are copies of another with the same label; one of each text is kept."
    if found.labels.taxonomy.multilabel:
        yield (
            f"Several labels a row are learnt, each by itself: {found.several:,} of {len(found.rows):,} rows have more "
            "than one. `--one-label` would leave those out."
        )
    elif found.several:
        yield (
            f"{found.several:,} rows have several labels in one cell; they are left out: one label a row is learnt. "
            "`--multi-label` learns them all."
        )
    if found.corrected:
        yield f"{found.corrected:,} labels are corrected."


def _split(found: Gathered, split: Split) -> Iterator[str]:
    sizes = Counter(split.of.values())
    listed = ", ".join(f"{name} {sizes[name]:,}" for name in ("train", "dev", "gate"))
    yield f"Split by {split.by}: {listed} rows (asked: {DEV:.0%} dev, {GATE:.0%} gate); gate is for promotion alone."
    if split.by == "time":
        yield "Dev and gate are the latest rows, so that the figures are those of messages yet to come."
    if split.customers:
        yield f"{split.together:,} rows share their customer with another; each customer is in one split only."
    taught = Counter(topic for row in split.rows(found.rows, "train") for topic in row.topics)
    for label, count in _scarce(taught, found):
        yield f"Only {count} rows of {label!r} are in train: little to learn from."


def _scarce(taught: Mapping[str, int], found: Gathered) -> list[tuple[str, int]]:
    known = {topic for row in found.rows for topic in row.topics} - found.labels.taught - {OUT_OF_SCOPE}
    return [(label, taught.get(label, 0)) for label in sorted(known) if taught.get(label, 0) < FEW_TO_LEARN]
