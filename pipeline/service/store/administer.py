"""What the command line does with the store of its settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pipeline.records import Annotation
from pipeline.service.settings import ServiceSettings, load_service_settings
from pipeline.service.store import erase, feedback
from pipeline.service.store.engine import Store
from pipeline.settings import load_settings

ACTOR = "command line"  # in the audit log


@contextmanager
def opened(settings: Path | None, *, create: bool = True) -> Iterator[tuple[Store, ServiceSettings]]:
    """The store that the settings name, closed at the end; without `create` one that is there and up to date."""
    service = load_service_settings(settings)
    store = Store.open(service.database, create=create)
    try:
        yield store, service
    finally:
        store.close()


def forget(settings: Path | None, customer: str) -> str:
    """Erases a customer; returns a line on what there was."""
    with opened(settings) as (store, service), store.begin() as session:
        folders = Path(service.uploads), Path(load_settings(settings).replays)
        found = erase.forget(session, customer, *folders, ACTOR, now=datetime.now(UTC))
    if not found.anything:
        return "nothing was kept of this customer"
    counts = {
        "messages": found.messages, "words of people": found.feedback, "events": found.events,
        "kept answers": found.answers, "files": found.files, "running jobs, stopped": found.stopped,
    }  # fmt: skip
    return "erased: " + ", ".join(f"{count:,} {what}" for what, count in counts.items() if count or what == "messages")


def annotated(settings: Path | None) -> list[Annotation]:
    """What people said of labels, straight from the store."""
    with opened(settings, create=False) as (store, _), store.read() as session:
        return feedback.annotated(session)


def migrate(settings: Path | None) -> str:
    """Brings the store up to date; returns a line on where it is."""
    with opened(settings) as (store, _):
        return f"{store.name} is up to date, at revision {store.revision()}"
