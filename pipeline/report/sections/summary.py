"""The figures that matter, each beside what it was before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from pipeline.records import Contact
from pipeline.report.blocks import Note, Section, Tile, Tiles
from pipeline.report.estimates import Estimate, share, shown_share
from pipeline.report.view import View
from pipeline.taxonomy import NEGATIVE, URGENT

RECENT = 28  # days that are compared with as many before them
AT_RISK = ("high", "critical")

T = TypeVar("T")


def summary(view: View) -> Section:
    words, locale = view.words, view.locale
    customers = {contact.customer for contact in view.contacts if contact.customer}
    tiles = [
        Tile(words("messages"), locale.number(len(view.contacts)), _recent(view, len, lambda n: locale.number(n))),
        Tile(words("tickets"), locale.number(len(view.tickets))),
        Tile(words("customers"), locale.number(len(customers))),
        _share_tile(view, "negative_share", _negative),
        _share_tile(view, "urgent_share", _urgent),
        _share_tile(view, "to_a_person", _handed),
    ]
    if view.risks is not None:
        tiles.insert(3, _risk_tile(view))
    return Section("summary", words("title"), (Tiles(tiles), Note(words("interval_note"))))


def _risk_tile(view: View) -> Tile:
    held = [risk for risk in view.risks or () if risk.band in AT_RISK]
    value = sum(risk.value or 0.0 for risk in held)
    stake = view.words("value_at_stake", value=view.locale.number(value)) if value else ""
    return Tile(view.words("at_risk_count"), view.locale.number(len(held)), stake)


def _share_tile(view: View, key: str, of: Callable[[Sequence[Contact]], Estimate | None]) -> Tile:
    found = of(view.contacts)
    return Tile(view.words(key), shown_share(found, view.locale), _recent(view, of, _percent(view)))


def _percent(view: View) -> Callable[[Estimate | None], str]:
    return lambda estimate: shown_share(estimate, view.locale)


def _recent(view: View, of: Callable[[Sequence[Contact]], T], say: Callable[[T], str]) -> str:
    """The last days beside as many before them; nothing when the messages do not reach so far back."""
    if view.periods.days < 2 * RECENT:
        return ""
    edge = view.contacts[-1].time - timedelta(days=RECENT)
    late = [contact for contact in view.contacts if contact.time > edge]
    early = [contact for contact in view.contacts if edge - timedelta(days=RECENT) < contact.time <= edge]
    days = view.locale.number(RECENT)
    now = f"{view.words('last_days', days=days)}: {say(of(late))}"
    return f"{now} · {view.words('change', before=say(of(early)), days=days)}"


def _negative(contacts: Sequence[Contact]) -> Estimate | None:
    felt = [contact for contact in contacts if contact.sentiment]
    return share(sum(contact.sentiment == NEGATIVE for contact in felt), len(felt))


def _urgent(contacts: Sequence[Contact]) -> Estimate | None:
    return share(sum(contact.urgency == URGENT for contact in contacts), len(contacts))


def _handed(contacts: Sequence[Contact]) -> Estimate | None:
    return share(sum(bool(contact.review) for contact in contacts), len(contacts))
