"""The year day by day: how satisfied each customer is, who writes, who leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from pipeline.synthetic import world
from pipeline.synthetic.chance import Bools, Floats, Ints, lognormal, stream
from pipeline.synthetic.desk import serve
from pipeline.synthetic.people import Customers
from pipeline.synthetic.tickets import ANNOUNCEMENT, ORDINARY, Tickets, joined
from pipeline.synthetic.world import DAYS, NEVER, Incident


@dataclass(frozen=True, slots=True)
class Life:
    """What became of the customers; arrays of length n.

    `left` and `announced` are days of the year, NEVER where neither came. `satisfaction` is the last one: on the day
    before they left, else at the end of the year. `days` is how many days all of them together were customers.
    """

    tickets: Tickets
    left: Ints
    announced: Ints
    satisfaction: Floats
    days: int


def live(
    customers: Customers,
    incidents: tuple[Incident, ...],
    *,
    seed: int,
    start: date,
    pace: float,
    left: Ints | None = None,
) -> Life:
    """`pace` is the tickets a day of a neutral, settled customer of usage 1.

    `left` fixes the day on which each customer leaves. Decisions to leave are then still taken and announced as ever,
    and come to nothing: that is the null world.
    """
    course = _Course(customers, incidents, seed, pace, left)
    for day in range(DAYS):
        course.step(day, world.WEEKDAYS[(start.weekday() + day) % 7])
    return course.life()


def tenure_stage(tenure: Ints) -> tuple[Bools, Bools]:
    """(onboarding, around a renewal) by days since they came."""
    after = tenure % 365
    renewal = (after >= 365 - world.RENEWAL) | ((after < world.RENEWAL) & (tenure >= 365))
    return tenure < world.ONBOARDING, np.asarray(renewal, np.bool_)


class _Course:
    """The state of one run through the year."""

    def __init__(
        self, customers: Customers, incidents: tuple[Incident, ...], seed: int, pace: float, left: Ints | None
    ) -> None:
        count = len(customers)
        self._customers, self._incidents, self._pace = customers, incidents, pace
        self._mood, self._choice, self._contact, self._desk = (
            stream(seed, purpose) for purpose in ("mood", "choice", "contact", "desk")
        )
        self._fixed = left is not None
        self._left = np.full(count, NEVER) if left is None else left
        self._settled = np.zeros(count, np.int64)  # until this day a decision taken stands
        self._announced = np.full(count, NEVER)
        self._satisfaction = customers.mood.copy()
        self._effect = np.zeros(count)
        self._tickets: list[Tickets] = []
        self._days = 0

    def step(self, day: int, weekday: float) -> None:
        active = (self._customers.since <= day) & (day < self._left)
        self._days += int(active.sum())
        self._feel(day)
        tenure = np.maximum(day - self._customers.since, 0)
        announcing = self._decide(day, active, tenure)
        self._write(day, active, announcing, self._rate(tenure) * weekday)

    def life(self) -> Life:
        left = np.where(self._left < DAYS, self._left, NEVER)
        return Life(joined(self._tickets), left, self._announced, self._satisfaction, self._days)

    def _feel(self, day: int) -> None:
        """An Ornstein-Uhlenbeck step to the customer's own level, yesterday's service, today's incident."""
        now, customers = self._satisfaction, self._customers
        step = world.RETURN * (customers.mood - now) + world.DRIFT * self._mood.standard_normal(len(customers))
        then = now + step + self._effect
        for incident, hit in zip(self._incidents, customers.hit, strict=True):
            if day == incident.first_day:
                then -= incident.knock * hit
        self._satisfaction = np.where(day < self._left, np.clip(then, -1, 1), now)

    def _decide(self, day: int, active: Bools, tenure: Ints) -> Bools:
        """Some decide to leave, after a notice; those who announce it are returned."""
        new, renewal = tenure_stage(tenure)
        bump = np.where(new, world.NEW_BUMP, 1.0) * np.where(renewal, world.RENEWAL_BUMP, 1.0)
        hazard = world.HAZARD * np.exp(-world.HAZARD_PULL * self._satisfaction) * bump
        count = len(tenure)
        decides = active & (self._choice.random(count) < hazard) & (self._settled <= day)
        notice = lognormal(world.NOTICE_MEDIAN, world.NOTICE_SPREAD, self._choice, count).round()
        until = day + np.clip(notice, 2, world.NOTICE_MOST).astype(np.int64)
        self._settled = np.where(decides, until, self._settled)
        if not self._fixed:
            self._left = np.where(decides, until, self._left)
        announcing = decides & (self._choice.random(count) < world.ANNOUNCES)
        self._announced = np.where(announcing & (self._announced == NEVER), day, self._announced)
        return np.asarray(announcing, np.bool_)

    def _rate(self, tenure: Ints) -> Floats:
        new = 1 + world.NEW_EXTRA * np.exp(-tenure / world.NEW_DAYS)
        unhappy = np.exp(-world.CONTACT_PULL * self._satisfaction)
        return np.asarray(self._pace * self._customers.usage * unhappy * new, np.float64)

    def _write(self, day: int, active: Bools, announcing: Bools, rate: Floats) -> None:
        """The tickets of the day, and what their service does to the satisfaction of tomorrow."""
        count = len(active)
        writers = [np.repeat(np.arange(count), self._contact.poisson(rate * active)), np.flatnonzero(announcing)]
        kinds = [ORDINARY, ANNOUNCEMENT]
        for kind, (incident, hit) in enumerate(zip(self._incidents, self._customers.hit, strict=True)):
            if incident.first_day <= day < incident.first_day + incident.days:
                writers.append(np.flatnonzero(active & hit & (self._contact.random(count) < _daily(incident))))
                kinds.append(kind)
        who = np.concatenate(writers)
        service = serve(self._customers, who, self._desk)
        kind_of = np.repeat(kinds, [len(each) for each in writers])
        self._tickets.append(Tickets(who, np.full(len(who), day), kind_of, self._satisfaction[who], service))
        effect = np.bincount(who, service.effect, minlength=count)
        self._effect = np.clip(effect, world.WORST_DAY, world.BEST_DAY)


def _daily(incident: Incident) -> float:
    """The probability a day that a hit customer writes of it."""
    return float(1 - (1 - incident.writes) ** (1 / incident.days))
