"""The facts of a replay, added up: what changes, the load of each queue, misroutes, customers whose band moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.columns.times import times
from pipeline.history.contact import contact
from pipeline.history.outcome import outcomes
from pipeline.history.threads import tickets
from pipeline.judging import KINDS, NEW, OLD
from pipeline.records import Contact, Row
from pipeline.risk import Weights, rank
from pipeline.routing.load import Load, loads
from pipeline.routing.trial import Misroutes, misroutes, together
from pipeline.training.replay.compare import Replayed
from pipeline.training.replay.fact import Fact


@dataclass(frozen=True)
class Effect:
    """`moves` counts (before, after) by kind of change; `loads` and `misroutes` are (old, new).

    `bands` is customer -> (band by the old model, by the new) of those whose band moves, None where no customer or no
    time is known; `customers` is of how many. `notes` say what was left out and why.
    """

    messages: int
    changed: int
    moves: Mapping[str, Counter[tuple[str, str]]]
    loads: tuple[Mapping[str, Load], Mapping[str, Load]]
    misroutes: tuple[Misroutes, Misroutes]
    unreviewed: tuple[Misroutes, Misroutes]
    bands: Mapping[str, tuple[str, str]] | None
    customers: int
    notes: Sequence[str]


def add_up(found: Replayed, weights: Weights) -> Effect:
    moves: dict[str, Counter[tuple[str, str]]] = {kind: Counter() for kind in KINDS}
    changed = 0
    for fact in found.facts:
        changes = list(fact.changes())
        changed += bool(changes)
        for kind, before, after in changes:
            moves[kind][before, after] += 1
    time = found.roles.time
    moments = times([fact.values.get(time) for fact in found.facts]) if time else [None] * len(found.facts)
    old, new = (
        [getattr(fact, side).routed(at) for fact, at in zip(found.facts, moments, strict=True)] for side in (OLD, NEW)
    )
    bands, customers = _bands(found, moments, weights)
    return Effect(
        messages=len(found.facts), changed=changed, moves=moves, loads=(loads(old), loads(new)),
        misroutes=(together(misroutes(old)), together(misroutes(new))),
        unreviewed=(together(misroutes(old, reviewed=False)), together(misroutes(new, reviewed=False))),
        bands=bands, customers=customers, notes=list(_notes(found, moments)),
    )  # fmt: skip


def _bands(
    found: Replayed, moments: Sequence[datetime | None], weights: Weights
) -> tuple[dict[str, tuple[str, str]] | None, int]:
    """Both rankings are as of the last message."""
    known = [moment for moment in moments if moment is not None]
    if not found.roles.customer or not known:
        return None, 0
    rows = [Row(fact.number, fact.values) for fact in found.facts]
    joined = tickets(rows, found.roles.id, found.desk.get("ticket"))
    recorded = outcomes(rows, found.desk, moments)
    facts = list(zip(found.facts, moments, joined, recorded, strict=True))

    def ranked(side: str) -> dict[str, str]:
        contacts: Iterable[Contact] = (
            contact(Row(fact.number, {**fact.values, **getattr(fact, side).cells()}), found.roles, at, ticket, outcome)
            for fact, at, ticket, outcome in facts
            if at is not None
        )
        return {each.customer: each.band for each in rank(contacts, now=max(known), weights=weights)}

    old, new = ranked(OLD), ranked(NEW)
    return {name: (old[name], new[name]) for name in sorted(old) if old[name] != new[name]}, len(old)


def _notes(found: Replayed, moments: Sequence[datetime | None]) -> Iterator[str]:
    if found.unread:
        yield f"{found.unread:,} rows could not be read and are left out; `nabd score` gives each its reason"
    if found.outbound:
        yield f"{found.outbound:,} messages of the desk itself left out"
    if not found.roles.customer:
        yield "no column of customers, so nothing is said of their risk; name it with --customer"
    if not found.roles.time:
        yield "no column of times, so nothing is said of risk and hours; name it with --time"
    elif untimed := sum(moment is None for moment in moments):
        yield f"{untimed:,} messages without a time that can be read do not count for risk and hours"


def ticket_of(fact: Fact, found: Replayed) -> str:
    """The ticket where the export has tickets, else the message's own id, else its row."""
    for column in (found.desk.get("ticket"), found.roles.id):
        if column and fact.values.get(column) not in (None, ""):
            return str(fact.values[column])
    return f"row {fact.number}"
