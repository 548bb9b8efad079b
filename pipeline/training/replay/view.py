"""A replay, for people and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.judging import KINDS
from pipeline.routing.load import Load
from pipeline.routing.trial import Misroutes
from pipeline.training.replay.summary import Effect

SHOWN = 5  # moves of one kind


def print_effect(effect: Effect, console: Console) -> None:
    share = effect.changed / effect.messages if effect.messages else 0.0
    console.print(f"{effect.changed:,} of {effect.messages:,} messages change ({share:.1%})")
    moves = Table("Changed", "Messages", "Most often", box=None, pad_edge=False)
    for kind in KINDS:
        moves.add_row(kind, f"{effect.moves[kind].total():,}", "; ".join(_moves(effect.moves[kind])))
    console.print(moves)
    console.print(_queues(effect))
    for title, (old, new) in {"all": effect.misroutes, "no person looks at": effect.unreviewed}.items():
        console.print(f"Expected misroutes, of {title}: {_share(old)} -> {_share(new)}")
    if effect.bands is not None:
        counts = Counter(effect.bands.values())
        shown = "; ".join(_moves(counts)) or "none"
        console.print(f"{len(effect.bands):,} of {effect.customers:,} customers change their risk band: {shown}")
    for note in effect.notes:
        console.print(note)


def document(effect: Effect) -> dict[str, Any]:
    """The same figures as plain values; moves, those of risk bands too, as [before, after, count]."""
    old, new = effect.loads
    return {
        "messages": effect.messages, "changed": effect.changed,
        "moves": {kind: _counts(effect.moves[kind]) for kind in KINDS},
        "queues": {name: {"old": _count(old, name), "new": _count(new, name)} for name in sorted({*old, *new})},
        "misroutes": {
            name: [{"messages": each.messages, "expected": round(each.expected, 2)} for each in pair]
            for name, pair in {"all": effect.misroutes, "unreviewed": effect.unreviewed}.items()
        },
        "customers": effect.customers,
        "bands": None if effect.bands is None else _counts(Counter(effect.bands.values())),
        "notes": list(effect.notes),
    }  # fmt: skip


def _counts(moves: Counter[tuple[str, str]]) -> list[list[Any]]:
    return [[*pair, count] for pair, count in moves.most_common()]


def to_json(effect: Effect) -> str:
    """`document` as text."""
    return json.dumps(document(effect), indent=1, ensure_ascii=False)


def _queues(effect: Effect) -> Table:
    table = Table("Queue", "Old", "New", "", "Busiest hour, old", "new", box=None, pad_edge=False)
    old, new = effect.loads
    for name in sorted({*old, *new}, key=lambda each: (-_count(new, each), each)):
        before, after = _count(old, name), _count(new, name)
        hours = [_busiest(side.get(name)) for side in effect.loads]
        table.add_row(name, f"{before:,}", f"{after:,}", f"{after - before:+,}", *hours)
    return table


def _count(loads: object, name: str) -> int:
    found = loads.get(name) if isinstance(loads, dict) else None
    return found.messages if found else 0


def _busiest(load: Load | None) -> str:
    return f"{load.busiest[1]:,}" if load and load.busiest else ""


def _share(found: Misroutes) -> str:
    return f"{found.expected:,.1f} of {found.messages:,} ({found.share:.1%})"


def _moves(counts: Counter[tuple[str, str]]) -> Iterator[str]:
    for (before, after), count in counts.most_common(SHOWN):
        yield f"{before or 'none'} -> {after or 'none'} {count:,}"
