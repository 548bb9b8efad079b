"""What routing anew changed, and what a dry run found: tables for people, and one JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.routing.agreement import Agreement
from pipeline.routing.capacity import Strain
from pipeline.routing.dryrun import DryRun
from pipeline.routing.load import Load
from pipeline.routing.reroute import Changes
from pipeline.routing.trial import Misroutes, together

MOST = 20  # rows of a table of moves
BOUND = (
    "Expected misroutes are at most this, to within rounding: topics below 1% are not listed and count as routed "
    "elsewhere. They hold for messages that go to their queue unseen; those for review are seen by a person first."
)


CAPACITY = (
    "Over: messages beyond what the queue can handle in their hour. Backlog: the largest, and when. At the end: how "
    "many still wait. A queue works day and night, and first on what is due first."
)


def print_changes(changes: Changes, console: Console, *, risk: bool) -> None:
    """The load of each queue, and from where to where rows moved."""
    console.print(_table("Queue", "Messages", rows=((q, f"{n:,}") for q, n in changes.queues.most_common())), "")
    ranked = changes.moved.most_common()
    if ranked:
        rows = [(before or "none", now, f"{count:,}") for (before, now), count in ranked[:MOST]]
        if rest := sum(count for _, count in ranked[MOST:]):
            rows.append((f"{len(ranked) - MOST:,} more", "", f"{rest:,}"))
        console.print(_table("From", "To", "Messages", rows=rows, left=2), "")
    known = f", {changes.banded:,} of them of customers with a known risk" if risk else ""
    moved = changes.moved.total()
    console.print(
        f"{changes.rows:,} messages routed{known}; {moved:,} ({_share(moved, changes.rows)}) to another queue"
    )


def print_dry_run(found: DryRun, console: Console) -> None:
    """Load, hours, capacity, agreement and misroutes, each where it is known."""
    console.print(f"{found.everything.messages:,} messages, routed as they would be; nothing was written", "")
    console.print(_loads(found.loads, found.everything.messages), "")
    if found.everything.hours:
        console.print(_hours(found.everything), "")
    for part in (_strains(found.strains), _agreement(found.agreement), _misroutes(found)):
        if part:
            console.print(*part, "", sep="\n")
    for note in found.notes:
        console.print(f"Note: {note}")


def to_json(found: DryRun) -> str:
    """One line; shares are in [0, 1], times ISO 8601."""
    content = {
        "messages": found.everything.messages,
        "all": _load(found.everything),
        "queues": {queue: _load(load) for queue, load in found.loads.items()},
        "group": found.group,
        "agreement": asdict(found.agreement) if found.agreement else None,
        "misroutes": _bounds(found.misroutes),
        "misroutes_unreviewed": _bounds(found.unreviewed),
        "capacity": [asdict(strain) for strain in found.strains],
        "notes": found.notes,
    }
    return json.dumps(content, ensure_ascii=False, default=date.isoformat)


def _load(load: Load) -> dict[str, Any]:
    busiest = {"hour": load.busiest[0], "messages": load.busiest[1]} if load.busiest else None
    mean = None if load.mean is None else round(load.mean, 4)
    hours = [asdict(each) | {"mean": round(each.mean, 4)} for each in load.hours]
    return asdict(load) | {"busiest": busiest, "mean": mean, "hours": hours}


def _bounds(parts: Mapping[str, Misroutes]) -> dict[str, Any]:
    return {"all": _bound(together(parts)), "queues": {queue: _bound(part) for queue, part in parts.items()}}


def _bound(part: Misroutes) -> dict[str, Any]:
    return {"messages": part.messages, "expected": round(part.expected, 2), "share": round(part.share, 4)}


def _loads(loads: Mapping[str, Load], total: int) -> Table:
    rows = []
    for queue, load in loads.items():
        slas = list(load.sla)
        sla = f"{slas[0]:,}" if len(slas) == 1 else f"{slas[0]:,}-{slas[-1]:,}"
        mean = "" if load.mean is None else f"{load.mean:,.2f}"
        most, when = (f"{load.busiest[1]:,}", f"{load.busiest[0]:%Y-%m-%d %H:%M}") if load.busiest else ("", "")
        rows.append((queue, f"{load.messages:,}", _share(load.messages, total), sla, mean, most, when))
    return _table("Queue", "Messages", "Share", "SLA, min", "An hour", "Busiest", "Hour", rows=rows)


def _hours(load: Load) -> Table:
    rows = (
        (f"{each.hour:02}:00", f"{each.mean:,.2f}", f"{each.busiest:,}", each.day.isoformat() if each.day else "")
        for each in load.hours
    )
    return _table("Hour", "Mean a day", "Busiest", "On", rows=rows)


def _strains(strains: Sequence[Strain]) -> list[str | Table]:
    header = ("Queue", "An hour", "Hours over", "Over", "Backlog", "Hour", "At the end", "SLA missed")
    rows = [
        (each.queue, f"{each.per_hour:,}", f"{each.hours_over:,}", f"{each.over:,}", f"{each.largest:,}",
         f"{each.largest_at:%Y-%m-%d %H:%M}" if each.largest_at else "", f"{each.backlog:,}", f"{each.missed:,}")
        for each in strains
    ]  # fmt: skip
    return [_table(*header, rows=rows), "", CAPACITY] if rows else []


def _agreement(found: Agreement | None) -> list[str | Table]:
    if found is None:
        return []
    rows = [(group, queue, f"{count:,}") for group, queue, count in found.pairs]
    if found.rest:
        rows.append(("the rest", "", f"{found.rest:,}"))
    same, usual = _share(found.same, found.messages), _share(found.usual, found.messages)
    line = f"{same} go to a queue of their group's name, {usual} to the queue that takes most of their group"
    return [_table("Own group", "Queue", "Messages", rows=rows, left=2), "", f"Of {found.messages:,} messages, {line}"]


def _misroutes(found: DryRun) -> list[str | Table]:
    if not found.misroutes:
        return []
    none = Misroutes(0, 0.0)
    pairs = [(queue, part, found.unreviewed.get(queue, none)) for queue, part in found.misroutes.items()]
    pairs = sorted(pairs, key=lambda pair: -pair[1].expected)
    pairs.append(("all", together(found.misroutes), together(found.unreviewed)))
    rows = (
        (queue, f"{part.expected:,.1f}", f"{part.share:.1%}", f"{unseen.messages:,}", f"{unseen.expected:,.1f}",
         f"{unseen.share:.1%}")
        for queue, part, unseen in pairs
    )  # fmt: skip
    header = ("Queue", "Misroutes", "Share", "Not for review", "Misroutes", "Share")
    return [_table(*header, rows=rows), "", BOUND]


def _table(*header: str, rows: Iterable[Sequence[str]], left: int = 1) -> Table:
    """The first `left` columns are names, the others numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number, name in enumerate(header):
        table.add_column(name, justify="left" if number < left else "right", no_wrap=number < left)
    for row in rows:
        table.add_row(*row)
    return table


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "0%"
