"""Issues that are new or growing."""

from __future__ import annotations

from pipeline.report.blocks import Block, Note, Section
from pipeline.report.view import View


def emerging(view: View) -> Section:
    return Section("emerging", view.words("emerging"), _blocks(view))


def _blocks(view: View) -> tuple[Block, ...]:
    return (Note(view.words("no_embeddings")),)
