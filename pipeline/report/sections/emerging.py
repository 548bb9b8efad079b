"""Issues that are new or growing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipeline.report.blocks import Block, Cell, Note, Section, Table, num
from pipeline.report.view import View

if TYPE_CHECKING:
    from pipeline.emerging.issues import Issue

TERMS, SHOWN = 6, 8


def emerging(view: View) -> Section:
    return Section("emerging", view.words("emerging"), _blocks(view))


def _blocks(view: View) -> tuple[Block, ...]:
    words, found = view.words, view.emerging
    if found is None:
        return (Note(words("no_embeddings")),)
    note = Note(words("emerging_note", days=view.locale.number((found.until - found.since).days)))
    grown = [issue for issue in found.issues if issue.is_emerging][:SHOWN]
    if not grown:
        return note, Note(words("no_emerging"))
    header = [words(key) for key in ("terms", "topic", "messages", "before", "growth", "example")]
    return note, Table(words("emerging"), header, [_row(view, issue) for issue in grown])


def _row(view: View, issue: Issue) -> list[Cell]:
    words, locale = view.words, view.locale
    joint = "، " if locale.direction == "rtl" else ", "
    quoted = next((contact for contact in view.contacts if contact.id == issue.examples[0]), None)
    return [
        Cell(joint.join(issue.terms[:TERMS]) or "–"),
        Cell(words.label("topic", next(iter(issue.topics), ""))),
        num(locale.number(issue.size)),
        num("–" if issue.expected is None else locale.number(issue.expected, 1)),
        num(_growth(view, issue)),
        Cell(view.quote(quoted) if quoted else "–", "quote"),
    ]


def _growth(view: View, issue: Issue) -> str:
    """The ratio to what was to be expected, with its interval."""
    if issue.growth is None:
        return "–"
    shown = [
        view.locale.number(value, 1) if math.isfinite(value) else "∞"
        for value in (issue.growth.ratio, issue.growth.low, issue.growth.high)
    ]
    return f"{view.words('times', ratio=shown[0])} ({shown[1]} – {shown[2]})"
