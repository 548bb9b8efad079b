"""What was found, for the terminal, for a program, and as one HTML page."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.drift.found import Drift
from pipeline.drift.labelshift import confusion
from pipeline.drift.sections import sections
from pipeline.drift.tell import middle, notes, p_value, points, sizes, verdict
from pipeline.report.page import render_page
from pipeline.report.words import Words


def to_json(drift: Drift) -> str:
    """One line."""
    sides = {
        name: {"compared": side.size, "messages": side.messages, "unit": side.unit}
        for name, side in (("reference", drift.reference), ("stream", drift.stream))
    }
    content = {
        "alarm": drift.alarm,
        "verdict": drift.verdict,
        "alarm_rate": drift.rate,
        "raised": drift.raised,
        "model": drift.stream.model,
        **sides,
        "signals": [asdict(signal) for signal in drift.signals],
        "not_compared": dict(drift.unseen),
        "shares": {name: [asdict(row) for row in rows] for name, rows in drift.shares.items()},
        "label_shift": [asdict(row) for row in drift.moved],
        "accuracy_loss": [asdict(loss) for loss in drift.losses],
        "confusion": confusion(drift.reference),
    }
    return json.dumps(content, ensure_ascii=False)


def print_drift(drift: Drift, words: Words, console: Console) -> None:
    """The verdict first, then a row a signal, those that alarm in bold; then what it rests on."""
    console.print(verdict(drift, words), "", soft_wrap=True)
    if drift.signals:
        heads = ("signal", "reference", "stream", "found", "by_chance", "p_value")
        table = Table(*(words(head) for head in heads), box=None, pad_edge=False)
        for column in table.columns[1:]:
            column.justify = "right"
        for signal in drift.signals:
            values = (words.locale.number(value, 3) for value in (signal.value, signal.limit))
            middles = (middle(signal, value, words) for value in (signal.before, signal.now))
            name = f"{'*' if signal.raised else ' '} {words(f'signal_{signal.name}')}"
            cells = (name, *middles, *values, p_value(signal, words))
            table.add_row(*map(Text, cells), style="bold" if signal.raised else "")
        console.print(table, "")
    for loss in drift.losses:
        reach = f"{points(loss.value, words)} [{points(loss.low, words)}, {points(loss.high, words)}]"
        console.print(f"{words('losses_caption')}, {words(f'loss_{loss.method}')}: {reach}", soft_wrap=True)
    for name, reason in drift.unseen.items():
        console.print(f"{words('unseen')}: {words(f'signal_{name}')}, {words(reason)}", soft_wrap=True)
    for text in (sizes(drift, words), *notes(drift, words)):
        console.print(text, soft_wrap=True)


def to_page(drift: Drift, words: Words) -> str:
    return render_page(
        words,
        period=sizes(drift, words),
        sections=sections(drift, words),
        footer=words("footer", model=drift.stream.model),
        synthetic=drift.stream.synthetic,
    )
