"""One customer as of one moment: the contacts by time, how much each still counts, and the state of each ticket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.records import Contact
from pipeline.risk.weights import Weights

DAY = timedelta(days=1)
SOLVED, WAITING, REOPENED = "solved", ("open", "pending"), "reopened"
GRAVITY = (SOLVED, "pending", "open", REOPENED)  # of two states recorded at one time the graver holds


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of one customer at `at`.

    `contacts` (n,) are in time order. `fresh` (n,) is the decay of each in [0, 1], `kept` (n,) the share of its harm
    that a solved ticket leaves. `tickets` maps a ticket to the places of its contacts, `states` to its last state.
    """

    at: datetime
    contacts: tuple[Contact, ...]
    fresh: tuple[float, ...]
    kept: tuple[float, ...]
    tickets: Mapping[str, tuple[int, ...]]
    states: Mapping[str, str]

    def days(self, place: int) -> float:
        """The age of a contact in days."""
        return (self.at - self.contacts[place].time) / DAY


def look_back(contacts: Iterable[Contact], at: datetime, weights: Weights, *, states: bool = True) -> Past:
    """`contacts` are of one customer, none after `at`, in any order. Without `states` no ticket's state is believed."""
    ordered = tuple(sorted(contacts, key=lambda each: (each.time, each.number, each.id)))
    tickets: dict[str, list[int]] = {}
    for place, each in enumerate(ordered):
        tickets.setdefault(each.ticket, []).append(place)
    known = {name: state for name, own in tickets.items() if (state := _state([ordered[i] for i in own]))}
    known = known if states else {}
    return Past(
        at=at,
        contacts=ordered,
        fresh=tuple(0.5 ** ((at - each.time) / DAY / weights.half_life_days) for each in ordered),
        kept=tuple(1.0 - weights.relief if known.get(each.ticket) == SOLVED else 1.0 for each in ordered),
        tickets={name: tuple(own) for name, own in tickets.items()},
        states=known,
    )


def _state(contacts: Iterable[Contact]) -> str | None:
    """The last state that the desk recorded."""
    said = [(each.time, GRAVITY.index(each.outcome.status)) for each in contacts if each.outcome.status in GRAVITY]
    return GRAVITY[max(said)[1]] if said else None
