"""What the desk records: status, times, csat, nps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.synthetic import world
from pipeline.synthetic.chance import Bools, Floats, Ints, lognormal, stream
from pipeline.synthetic.threads import DAY_SECONDS, Messages
from pipeline.synthetic.tickets import Tickets

OPEN, PENDING, SOLVED, REOPENED = "open", "pending", "solved", "reopened"
_END = world.DAYS * DAY_SECONDS / 60  # minutes from the first midnight


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One value for each message, None where the desk has none; times in whole minutes from the ticket's opening."""

    status: list[str]
    first_response: list[int | None]
    resolution: list[int | None]
    csat: list[int | None]
    nps: list[int | None]


def record(tickets: Tickets, messages: Messages, *, seed: int) -> Outcomes:
    """A ticket's status, resolution and csat stand at its last message; what lies after the year's end is unknown."""
    random, ticket = stream(seed, "outcomes"), messages.ticket
    opened = messages.opened[ticket] / 60
    response = tickets.service.first_response[ticket].round()
    written = messages.seconds / 60 - opened
    rest = lognormal(world.RESOLUTION_MEDIAN, world.RESOLUTION_SPREAD, random, len(messages))
    resolution = (np.maximum(written, response) + rest).round()
    solved = messages.last & tickets.service.solved[ticket] & (opened + resolution < _END)
    asked = solved & (random.random(len(messages)) < world.CSAT_ANSWERED)
    return Outcomes(
        _status(tickets, messages, solved, random),
        _filled(response, opened + response < _END),
        _filled(resolution, solved),
        _filled(_csat(tickets, messages, random), asked),
        _filled(*_nps(tickets, messages, random)),
    )


def _status(tickets: Tickets, messages: Messages, solved: Bools, random: np.random.Generator) -> list[str]:
    """Unsolved tickets end open or, once answered, pending as often; a ticket that goes on is open."""
    reopened = solved & (random.random(len(messages)) < world.REOPENED)
    unsolved = messages.last & ~tickets.service.solved[messages.ticket]
    pending = unsolved & (random.random(len(messages)) < 0.5)
    return [str(each) for each in np.select([reopened, solved, pending], [REOPENED, SOLVED, PENDING], OPEN)]


def _csat(tickets: Tickets, messages: Messages, random: np.random.Generator) -> Floats:
    """1 to 5, by satisfaction and by the ticket's own service."""
    effect = tickets.service.effect[messages.ticket] * world.CSAT_SERVICE
    mean = world.CSAT_MEAN + world.CSAT_PULL * tickets.satisfaction[messages.ticket] + effect
    return np.asarray((mean + world.CSAT_SPREAD * random.standard_normal(len(messages))).round().clip(1, 5))


def _nps(tickets: Tickets, messages: Messages, random: np.random.Generator) -> tuple[Floats, Bools]:
    """(0 to 10 by satisfaction, where it stands): at the first message of a quarter of those who answered."""
    quarter = messages.seconds // (world.QUARTER_DAYS * DAY_SECONDS)
    order = np.argsort(messages.seconds, kind="stable")
    key = (tickets.customer[messages.ticket] * 4 + quarter)[order]
    _, firsts = np.unique(key, return_index=True)
    answers = np.zeros(len(messages), np.bool_)
    answers[order[firsts]] = random.random(len(firsts)) < world.NPS_ANSWERED
    mean = world.NPS_MEAN + world.NPS_PULL * tickets.satisfaction[messages.ticket]
    value = mean + world.NPS_SPREAD * random.standard_normal(len(messages))
    return np.asarray(value.round().clip(0, 10)), answers


def _filled(values: Floats | Ints, known: Bools) -> list[Any]:
    return [int(value) if there else None for value, there in zip(values, known, strict=True)]
