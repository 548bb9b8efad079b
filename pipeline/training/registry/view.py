"""The registry and its verdicts, for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from pipeline.training.registry.gates import Gate
from pipeline.training.registry.history import REFUSED, Event
from pipeline.training.registry.store import Version


def render_gates(gates: Sequence[Gate]) -> Table:
    table = Table("Gate", "", "Found", "Asked", box=None, pad_edge=False)
    for gate in gates:
        table.add_row(gate.name, "passed" if gate.passed else "REFUSED", Text(gate.found), Text(gate.asked))
    return table


def render_versions(versions: Sequence[Version]) -> Table:
    """A row a registered version, the newest first."""
    table = Table("Version", "Model", "Registered", "Is", box=None, pad_edge=False)
    for each in versions:
        at = each.registered.isoformat(sep=" ", timespec="minutes")
        table.add_row(str(each.number), f"{each.bundle}@{each.sha256[:8]}", at, ", ".join(each.aliases))
    return table


def render_history(events: Sequence[Event]) -> Table:
    """What happened, the latest first."""
    table = Table("When", "Version", "What", "By", "Why", box=None, pad_edge=False)
    for each in reversed(events):
        what = f"{each.what} by {', '.join(each.gates)}" if each.what == REFUSED else each.what
        what += f", in place of {each.former}" if each.former is not None and each.what != REFUSED else ""
        table.add_row(each.at[:16].replace("T", " "), str(each.version), what, Text(each.by), Text(each.why))
    return table
