"""One `nabd threads`: a scored file in, one row a ticket out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from pipeline.history.read import History, read_history
from pipeline.history.threads import Ticket, threads
from pipeline.writers import open_writer, write_rejects

TYPES = {
    "ticket": "string", "customer": "string", "status": "string", "messages": "int", "first_message": "string",
    "last_message": "string", "channel": "string", "category": "string", "topic": "string", "sentiment": "string",
    "polarity_first": "float", "polarity_now": "float", "trajectory": "string", "emotion": "string",
    "urgency": "string", "churn_probability": "float", "queue": "string", "evidence": "string", "ids": "string",
}  # fmt: skip


def run(scored: str, out: str, *, columns: Mapping[str, str | None], errors: Console) -> int:
    """Writes the tickets of a scored file; returns how many rows were rejects."""
    history = read_history(scored, columns=columns)
    tell(history, scored if out == "-" else out, errors)
    write_tickets(history, out, errors)
    return len(history.rejects)


def write_tickets(history: History, out: str, errors: Console) -> None:
    """One row a ticket, and how many of them went better or worse."""
    found = threads(history.contacts)
    with open_writer(out, columns=list(TYPES), types=TYPES) as writer:
        writer.write([row(ticket) for ticket in found])
    paths = Counter(ticket.trajectory for ticket in found if len(ticket.contacts) > 1)
    several = ", ".join(f"{paths[name]:,} {name}" for name in ("better", "same", "worse"))
    errors.print(
        f"{len(history.contacts):,} messages, {len(found):,} tickets; of those with several messages: {several}"
    )


def row(ticket: Ticket) -> dict[str, Any]:
    """The ticket's state is that of its last message."""
    last, first = ticket.last, ticket.contacts[0]
    return {
        "ticket": ticket.id, "customer": last.customer, "status": ticket.status, "messages": len(ticket.contacts),
        "first_message": first.time.isoformat(), "last_message": last.time.isoformat(), "channel": last.channel,
        "category": last.category, "topic": last.topic, "sentiment": last.sentiment or None,
        "polarity_first": first.polarity if first.sentiment else None,
        "polarity_now": last.polarity if last.sentiment else None, "trajectory": ticket.trajectory,
        "emotion": last.emotion, "urgency": last.urgency, "churn_probability": last.churn, "queue": last.queue,
        "evidence": last.evidence or None, "ids": ";".join(each.id for each in ticket.contacts),
    }  # fmt: skip


def tell(history: History, beside: str, errors: Console) -> None:
    """Says what a history left out, and writes its rejects beside a file."""
    for note in history.notes:
        errors.print(note)
    if history.rejects:
        path = f"{beside}.rejects.jsonl"
        write_rejects(path, history.rejects)
        errors.print(f"{len(history.rejects):,} rows could not be read; each with its reason: {path}")
