"""A file of labels (TOML): their names in three languages, descriptions, categories, queues and aliases."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.routing.entries import Entry, entries
from pipeline.routing.lines import Document
from pipeline.taxonomy import Label
from pipeline.training.retrain.names import Near

NAMED = {"name": str, "en": str, "ar": str, "fa": str, "description": str}
LABEL = NAMED | {"category": str, "queue": str, "aliases": list}
CATEGORY = NAMED | {"domain": str, "queue": str}
KEYS = ("extend", "label", "category")

HEAD = """# The labels of {name}: complete what you like and pass this file with --taxonomy.
# en, ar, fa: what people read. description: one line, in any language; it helps where examples are few.
# category: the label above it. queue: where its messages go. aliases: other names of the same label.
# A category may have a table of its own, [[category]], with name, en, ar, fa, description, domain and queue.
"""


@dataclass(frozen=True, slots=True)
class Given:
    """What a file says. `aliases` is other name -> topic, `queues` topic -> queue: its own, else its category's.

    `extend` keeps the base model's labels beside these.
    """

    topics: Sequence[Label]
    categories: Sequence[Label]
    aliases: Mapping[str, str]
    queues: Mapping[str, str]
    extend: bool


def read_file(path: Path) -> Given:
    """Raises UsageError, with the line, for what cannot be used."""
    content, document = _read(path)
    if unknown := [key for key in content if key not in KEYS]:
        raise UsageError(f"{document.at(unknown[0])}: unknown key {unknown[0]!r}, expected one of {', '.join(KEYS)}")
    labels = entries(content.get("label", []), "label", document)
    above = entries(content.get("category", []), "category", document)
    extend = content.get("extend", False)
    if not labels or not isinstance(extend, bool):
        raise UsageError(f"{path}: expected [[label]] tables, and `extend = true` if the model's own labels stay")
    topics = _unique([_topic(entry) for entry in labels], labels)
    stated = _unique([_category(entry) for entry in above], above)
    known = {label.id for label in stated}
    implied = dict.fromkeys(topic.parent for topic in topics if topic.parent not in known)
    if extend:  # the base model may have them
        implied = {name: None for name in implied if name in {topic.id for topic in topics}}
    named = {topic.id: topic for topic in topics}  # a category of one topic is called as it is
    alone = (named.get(name, Label(name, name, name, name)) for name in implied)
    categories = [*stated, *(replace(label, parent=label.id) for label in alone)]
    aliases = {str(name): entry.table["name"] for entry in labels for name in entry.table.get("aliases", ())}
    above_queues = {entry.table["name"]: entry.table["queue"] for entry in above if "queue" in entry.table}
    queues = {topic.id: above_queues[topic.parent] for topic in topics if topic.parent in above_queues}
    queues |= {entry.table["name"]: entry.table["queue"] for entry in labels if "queue" in entry.table}
    return Given(topics, categories, aliases, queues, extend)


def draft(counts: Mapping[str, int], near: Sequence[Near], name: str) -> str:
    """A file of the labels of an export, the most frequent first; near duplicates stand behind `#` as aliases."""
    lines = [HEAD.format(name=name)]
    for label in sorted(counts, key=lambda each: (-counts[each], each)):
        similar = [each.other for each in near if each.keep == label]
        lines += ["[[label]]", f"name = {quoted(label)}  # {counts[label]:,} rows"]
        lines += [f"# aliases = [{', '.join(map(quoted, similar))}]"] if similar else []
        lines += ['# description = ""', ""]
    return "\n".join(lines)


def quoted(text: str) -> str:
    """A basic string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _read(path: Path) -> tuple[dict[str, Any], Document]:
    try:
        document = Document(path.name, path.read_text(encoding="utf-8-sig"))
        return tomllib.loads(document.text), document
    except OSError as error:
        raise UsageError(f"the taxonomy file {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name} is not valid TOML: {error}") from None


def _topic(entry: Entry) -> Label:
    entry.check(LABEL, needed=("name",))
    return _label(entry.table, entry.table.get("category") or entry.table["name"])


def _category(entry: Entry) -> Label:
    entry.check(CATEGORY, needed=("name",))
    return _label(entry.table, entry.table.get("domain") or entry.table["name"])


def _label(table: Mapping[str, Any], parent: str) -> Label:
    name = table["name"]
    en, ar, fa = (table.get(language) or name for language in ("en", "ar", "fa"))
    return Label(name, en, ar, fa, table.get("description", ""), parent)


def _unique(labels: Sequence[Label], read: Sequence[Entry]) -> list[Label]:
    seen: set[str] = set()
    for label, entry in zip(labels, read, strict=True):
        if not label.id.strip() or label.id in seen:
            raise entry.error(f"the name {label.id!r} is empty or taken; every label has its own", "name")
        seen.add(label.id)
    return list(labels)
