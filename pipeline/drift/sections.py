"""The sections of the drift page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.drift.found import Drift, Share, Signal
from pipeline.drift.labelshift import confusion
from pipeline.drift.tell import middle, notes, p_value, points, sizes, verdict
from pipeline.report.blocks import Block, Cell, Chart, Note, Section, Table, Tile, Tiles, num
from pipeline.report.charts import stacked_bars
from pipeline.report.words import Words

MOST_SERIES = 7  # of a chart; the rest are one


def sections(drift: Drift, words: Words) -> list[Section]:
    found = [_summary(drift, words)]
    if drift.signals:
        found += [_signals(drift, words), _labels(drift, words), _moved(drift, words), _losses(drift, words)]
    return [*found, _how(drift, words)]


def _summary(drift: Drift, words: Words) -> Section:
    number = words.locale.number
    tiles = [
        Tile(words("verdict"), words(f"short_{drift.verdict}")),
        Tile(words("stream"), number(drift.stream.size)),
        Tile(words("reference"), number(drift.reference.size)),
    ]
    return Section("summary", words("verdict"), [Tiles(tiles), Note(verdict(drift, words))])


def _signals(drift: Drift, words: Words) -> Section:
    heads = ("signal", "reference", "stream", "measure", "found", "by_chance", "psi", "p_value", "result")
    rows = [_signal(signal, words) for signal in drift.signals]
    title = words("signals")
    return Section("signals", title, [Table(title, [words(head) for head in heads], rows)])


def _signal(signal: Signal, words: Words) -> list[Cell]:
    number = words.locale.number
    psi = "" if signal.psi is None else f"{number(signal.psi, 3)} ({number(signal.psi_limit or 0.0, 3)})"
    return [
        Cell(words(f"signal_{signal.name}")), num(middle(signal, signal.before, words)),
        num(middle(signal, signal.now, words)), Cell(words(f"measure_{signal.measure}")),
        num(number(signal.value, 3)), num(number(signal.limit, 3)), num(psi), num(p_value(signal, words)),
        Cell(words("alarm_yes"), "critical") if signal.raised else Cell(words("alarm_no")),
    ]  # fmt: skip


def _labels(drift: Drift, words: Words) -> Section:
    blocks = [
        _chart(name, rows, drift, words)
        for name, rows in drift.shares.items()
        if name in ("language", "category", "topic", "sentiment")
    ]
    return Section("labels", words("labels"), blocks)


def _chart(name: str, rows: Sequence[Share], drift: Drift, words: Words) -> Chart:
    """Two bars of the most common labels; the table has all."""
    shares = {
        _named(name, row.label, words): [
            100 * row.reference / drift.reference.size,
            100 * row.stream / drift.stream.size,
        ]
        for row in rows
    }
    shown = dict(sorted(shares.items(), key=lambda pair: -sum(pair[1]))[:MOST_SERIES])
    if rest := [values for label, values in shares.items() if label not in shown]:
        shown[words("others")] = [sum(values[side] for values in rest) for side in (0, 1)]
    title = words("shares_of", signal=words(f"signal_{name}"))
    sides = [words("reference"), words("stream")]
    cells = [
        [Cell(label), *(num(words.locale.number(value, 1)) for value in values)] for label, values in shares.items()
    ]
    svg = stacked_bars(title, sides, shown, words.locale)
    return Chart(title, svg, Table(title, [words("signal"), *sides], cells))


def _named(name: str, label: str, words: Words) -> str:
    if name == "language":
        return words.known(f"language_{label}") if label else words("unknown")
    return words("no_sentiment") if name == "sentiment" and not label else words.label(name, label)


def _moved(drift: Drift, words: Words) -> Section:
    if not drift.moved:
        return Section("moved", words("moved"), [Note(words.locale.digits(words("no_moved")))])
    labelled = sum(sum(row.values()) for row in confusion(drift.reference).values())
    rows = [
        [Cell(words.label("category", row.label)), num(words.locale.percent(row.reference)),
         num(words.locale.percent(row.stream)),
         num(f"{words.locale.number(100 * row.low)} – {words.locale.number(100 * row.high)}")]
        for row in drift.moved
    ]  # fmt: skip
    heads = [words("category"), words("reference"), words("stream"), words.locale.digits(words("interval"))]
    note = words("moved_note", rows=words.locale.number(labelled))
    return Section("moved", words("moved"), [Table(words("moved"), heads, rows), Note(note)])


def _losses(drift: Drift, words: Words) -> Section:
    if not drift.losses:
        return Section("losses", words("losses"), [Note(words("no_losses"))])
    rows = [
        [Cell(words(f"loss_{loss.method}")), num(points(loss.value, words)),
         num(f"{points(loss.low, words)} – {points(loss.high, words)}")]
        for loss in drift.losses
    ]  # fmt: skip
    heads = [words("method"), words("fall"), words.locale.digits(words("interval"))]
    return Section("losses", words("losses"), [Table(words("losses_caption"), heads, rows), Note(words("losses_note"))])


def _how(drift: Drift, words: Words) -> Section:
    blocks: list[Block] = [Note(text) for text in (sizes(drift, words), *notes(drift, words))]
    blocks += _unseen(drift, words)
    return Section("how", words("how"), blocks)


def _unseen(drift: Drift, words: Words) -> Iterator[Block]:
    if drift.unseen:
        rows = [[Cell(words(f"signal_{name}")), Cell(words(reason))] for name, reason in drift.unseen.items()]
        yield Table(words("unseen"), [words("signal"), words("reason")], rows)
