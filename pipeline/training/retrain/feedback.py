"""What people said in the service -> rows to learn from, straight from the store: no file ever holds them.

They go into train alone: whoever corrects a model looks at what it was unsure of, and a gate of such messages would
judge another desk. Text or customer of a row of dev or gate keeps a message out, so that nothing is learnt that a model
is judged by.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.columns.names import closest, fold
from pipeline.language import Language
from pipeline.records import Annotation
from pipeline.score import prepare
from pipeline.taxonomy import LABELS
from pipeline.training.prepare.dedupe import text_key
from pipeline.training.retrain.consensus import Consensus, consensus, last_words, votes
from pipeline.training.retrain.gather import Gathered
from pipeline.training.retrain.labels import LabelSet
from pipeline.training.retrain.rows import NO_TEXT, UNREAD, Labelled
from pipeline.training.retrain.splits import Split

NOT_KEPT = "its text is not kept (the setting `store_text`)"
DISAGREE = "people disagree"
UNKNOWN = "its label is none that is learnt here"
COARSE = "a category alone names no topic"
CONTRADICTS = "its topic is not of its category"
IN_EXPORT = "the export has its text, and the label given there stands"
HELD = "its customer has messages in dev or gate"
COPY = "another message has the same text and label"
CONFLICT = "another message has the same text and another label"
REASONS = (DISAGREE, UNKNOWN, CONTRADICTS, COARSE, CONFLICT, COPY, IN_EXPORT, HELD, NOT_KEPT, NO_TEXT, UNREAD)


@dataclass(frozen=True, slots=True)
class Unused:
    """A label, or a whole message, that teaches nothing: `reason` is one of those above, `detail` what it is about."""

    message: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Feedback:
    """`words` are the last of each person, `settled` what they agree on of the messages used, by message and task.

    `rows` have a topic and are for train; `others` have labels of other tasks alone, and "" for a topic.
    """

    words: Sequence[Annotation] = ()
    settled: Mapping[tuple[str, str], Consensus] | None = None
    rows: Sequence[Labelled] = ()
    others: Sequence[Labelled] = ()
    unused: Sequence[Unused] = ()


def learnable(given: Iterable[Annotation], found: Gathered, split: Split) -> Feedback:
    """The rows that `given` make beside those of the export, `found` and split already."""
    words = last_words(given)
    unused: list[Unused] = []
    settled: dict[tuple[str, str], Consensus] = {}
    rows = []
    messages = _by_message(words)
    for number, (message, said) in enumerate(messages.items(), 1 + max(row.number for row in found.rows)):
        agreed = _settle(message, said, unused)
        row = _row(number, said[0], agreed, found.labels, unused)
        if row is not None:
            rows.append(row)
            settled |= {(message, task): each for task, each in agreed.items()}
    kept = _unique(_apart(rows, found, split, unused), unused)
    used = {row.id for row in kept}
    return Feedback(
        words, {key: each for key, each in settled.items() if key[0] in used}, [row for row in kept if row.label],
        [row for row in kept if not row.label], unused,
    )  # fmt: skip


def _by_message(words: Iterable[Annotation]) -> dict[str, list[Annotation]]:
    found: dict[str, list[Annotation]] = defaultdict(list)
    for each in words:
        found[each.message].append(each)
    return dict(found)


def _settle(message: str, words: Sequence[Annotation], unused: list[Unused]) -> dict[str, Consensus]:
    """Task -> what people agree on."""
    found = {}
    for task in dict.fromkeys(each.task for each in words):
        mine = [each for each in words if each.task == task]
        agreed = consensus(mine)
        if agreed is None:
            unused.append(Unused(message, DISAGREE, f"{task}: {votes(mine)}"))
        else:
            found[task] = agreed
    return found


def _row(
    number: int, word: Annotation, agreed: Mapping[str, Consensus], labels: LabelSet, unused: list[Unused]
) -> Labelled | None:
    """None where there is nothing to learn, or nothing to learn it from."""
    prepared = prepare(word.text or "")
    if word.text is None or not prepared.text or prepared.language == Language.UNSUPPORTED:
        reason = NOT_KEPT if word.text is None else UNREAD if prepared.text else NO_TEXT
        unused.append(Unused(word.message, reason))
        return None
    topic = _topic(word.message, agreed, labels, unused)
    tasks = _tasks(word.message, agreed, unused)
    if not topic and not tasks:
        return None
    used = [each for task, each in agreed.items() if task in tasks or (topic and task in ("topic", "category"))]
    return Labelled(
        number, word.message, word.text, prepared.text, text_key(prepared.text), prepared.language.partition("-")[0],
        topic, word.customer, word.time, tasks, min(each.agreement for each in used),
    )  # fmt: skip


def _topic(message: str, agreed: Mapping[str, Consensus], labels: LabelSet, unused: list[Unused]) -> str:
    """The topic to learn; "" for none. A category stands for its topic where it has but one."""
    table = labels.taxonomy
    category, said = (agreed[task].label if task in agreed else "" for task in ("category", "topic"))
    inside = [topic for topic in table.topic_ids if table.category_of[topic] == category]
    if not said:
        if category and len(inside) != 1:
            unused.append(Unused(message, COARSE if inside else UNKNOWN, repr(category)))
        return inside[0] if len(inside) == 1 else ""
    topic = labels.topic(said) or (said if said in table.topic_ids else "")
    if not topic:
        near = closest(said, {fold(each): each for each in table.topic_ids})
        unused.append(Unused(message, UNKNOWN, f"{said!r}" + (f", the closest is {near!r}" if near else "")))
    elif inside and topic not in inside:
        unused.append(Unused(message, CONTRADICTS, f"{said!r} and {category!r}"))
        return ""
    return topic


def _tasks(message: str, agreed: Mapping[str, Consensus], unused: list[Unused]) -> dict[str, str]:
    """Labels of sentiment, emotion, urgency and churn, which are the same for every model."""
    said = {task: each.label for task, each in agreed.items() if task in LABELS}
    known = {task: label for task, label in said.items() if label in {each.id for each in LABELS[task]}}
    unused += [Unused(message, UNKNOWN, f"{task}: {label!r}") for task, label in said.items() if task not in known]
    return known


def _apart(rows: Iterable[Labelled], found: Gathered, split: Split, unused: list[Unused]) -> list[Labelled]:
    """Without what the export holds, masked or not, and without customers that are held for judging."""
    taken = {text_key(row.prepared): row for row in found.rows}
    held = {row.customer for row in found.rows if split.customers and row.customer and split.of[row.number] != "train"}
    kept = []
    for row in rows:
        same = taken.get(row.key)
        if same is not None:
            unused.append(Unused(row.id, IN_EXPORT, f"row {same.number}, {same.label!r}"))
        elif row.customer in held:
            unused.append(Unused(row.id, HELD))
        else:
            kept.append(row)
    return kept


def _unique(rows: Iterable[Labelled], unused: list[Unused]) -> list[Labelled]:
    """The first message of each text; none of a text whose copies have different labels."""
    groups: dict[bytes, list[Labelled]] = defaultdict(list)
    for row in rows:
        groups[row.key].append(row)
    kept = []
    for first, *others in groups.values():
        if any((row.label, row.tasks) != (first.label, first.tasks) for row in others):
            unused += [Unused(row.id, CONFLICT) for row in (first, *others)]
        else:
            kept.append(first)
            unused += [Unused(row.id, COPY, first.id) for row in others]
    return kept
