"""A file through `score()`: read, score, write, in windows, so that memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from pipeline.bundle import Bundle, Judged
from pipeline.columns import Roles
from pipeline.explain.evidence import evidence
from pipeline.output import EVIDENCE, cells
from pipeline.records import Message, Reject, Row
from pipeline.score import score
from pipeline.settings import Settings
from pipeline.summary import Summary
from pipeline.writers import RejectsWriter, Writer

FIRST_WINDOW, WINDOW = 64, 2048  # the first is small so that the first rows are out soon
WINDOW_CHARACTERS = 2_000_000  # so that long messages take no more memory than short ones

Items = Iterable[Row | Reject]


def score_rows(
    items: Items, roles: Roles, bundle: Bundle, settings: Settings, outputs: tuple[Writer, RejectsWriter],
    *, on_window: Callable[[int], None] = lambda rows: None, on_judged: Callable[[Judged], None] = lambda judged: None,
) -> Summary:  # fmt: skip
    """Every readable row goes out scored, every other to the rejects; `on_window` hears how many rows came through.

    `on_judged` hears what the model made of the rows of each window. Rows of a file that has the column `EVIDENCE` get
    the sentence that decided.
    """
    writer, rejects = outputs
    summary = Summary()
    for window in windows(items):
        rows = [item for item in window if isinstance(item, Row)]
        unread = [item for item in window if isinstance(item, Reject)]
        messages, most = [message(row, roles) for row in rows], settings.max_characters
        scored = score(messages, bundle, settings.routes, max_characters=most, on_judged=on_judged)
        written = [{**row.values, **cells(each)} for row, each in zip(rows, scored, strict=True)]
        if EVIDENCE in writer.columns:
            for row_out, sentence in zip(written, evidence(messages, scored, bundle, max_characters=most), strict=True):
                row_out[EVIDENCE] = sentence
        writer.write(written)
        rejects.write(unread)
        summary.add(scored, rejected=len(unread))
        on_window(len(window))
    return summary


def windows(items: Items) -> Iterator[Sequence[Row | Reject]]:
    """The items in order, a small window first; one ends early at `WINDOW_CHARACTERS`."""
    window: list[Row | Reject] = []
    size, characters = FIRST_WINDOW, 0
    for item in items:
        window.append(item)
        characters += sum(len(value) for value in item.values.values() if isinstance(value, str))
        if len(window) == size or characters >= WINDOW_CHARACTERS:
            yield window
            window, size, characters = [], WINDOW, 0
    if window:
        yield window


def message(row: Row, roles: Roles) -> Message:
    """The subject, where there is one, is read above the text unless the text opens with it."""
    text = _text(row.values.get(roles.text))
    subject = _text(row.values.get(roles.subject)) if roles.subject else ""
    if subject and not text.startswith(subject):
        text = f"{subject}\n{text}"
    return Message(text, row.values, _text(row.values.get(roles.channel)) if roles.channel else "")


def _text(value: Any) -> str:
    return "" if value is None else str(value)
