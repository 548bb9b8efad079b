"""The fold over one customer's contacts: who is about to leave, and why. Pure: no file, no clock."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from pipeline.records import Contact, CustomerRisk, Driver
from pipeline.risk.drivers import DRIVERS, praise
from pipeline.risk.past import Past, look_back
from pipeline.risk.weights import DEFAULT, Weights

BANDS = ("low", "watch", "high", "critical", "left")
LEFT = "left"
EVIDENCE = 3  # messages shown a driver
TREND_POINTS = 5.0  # a smaller change of the score is none
HIGHEST = math.nextafter(100.0, 0.0)


def risk(contacts: Sequence[Contact], *, now: datetime, weights: Weights = DEFAULT) -> CustomerRisk:
    """How near one customer is to leaving at `now`; `contacts` may be in any order, and those after `now` do not count.

    Once the customer has left, all is as of that day: only contacts up to then, and no ticket's state, for states carry
    no date and a later clean-up must not turn a lost customer green. Where the day precedes every contact, all is as
    of the first. Raises ValueError when no contact is left, or they are of several customers.
    """
    seen = [each for each in contacts if each.time <= now]
    if not seen:
        raise ValueError(f"risk: none of {len(contacts)} contacts is at or before {now.isoformat()}; give at least one")
    if len({each.customer for each in seen}) > 1:
        raise ValueError("risk: the contacts are of several customers; use rank() for those of many")
    left = left_at(seen, now)
    at = now if left is None else max(left, min(each.time for each in seen))
    seen = [each for each in seen if each.time <= at]
    past = look_back(seen, at, weights, states=left is None)
    parts = contributions(past, weights)
    level = score(parts, past, weights)
    return CustomerRisk(
        customer=seen[0].customer,
        score=level,
        band=LEFT if left else BANDS[sum(level >= threshold for threshold in weights.bands)],
        trend=_trend(level, past, weights, states=left is None),
        drivers=_drivers(past, parts),
        contacts=len(seen),
        first_contact=past.contacts[0].time,
        last_contact=past.contacts[-1].time,
        left=left,
        value=_value(seen),
    )


def rank(contacts: Iterable[Contact], *, now: datetime, weights: Weights = DEFAULT) -> list[CustomerRisk]:
    """The risk of every customer with a contact up to `now`, the highest score first, equal ones by name.

    Contacts without a customer are left out.
    """
    found = [risk(own, now=now, weights=weights) for own in by_customer(contacts, now=now).values()]
    return sorted(found, key=lambda each: (-each.score, each.customer))


def by_customer(contacts: Iterable[Contact], *, now: datetime) -> dict[str, list[Contact]]:
    """Customer -> contacts up to `now`; those without a customer are left out."""
    found: dict[str, list[Contact]] = {}
    for each in contacts:
        if each.customer and each.time <= now:
            found.setdefault(each.customer, []).append(each)
    return found


def left_at(contacts: Iterable[Contact], now: datetime) -> datetime | None:
    """The earliest day on which the customer left, if that is not after `now`."""
    days = [each.outcome.left for each in contacts if each.outcome.left is not None and each.outcome.left <= now]
    return min(days, default=None)


def contributions(past: Past, weights: Weights) -> dict[str, list[float]]:
    """Driver -> what each contact adds to the pressure (n,)."""
    return {name: driver(past, weights) for name, driver in DRIVERS.items()}


def score(parts: Mapping[str, Sequence[float]], past: Past, weights: Weights) -> float:
    """100 * (1 - exp(-pressure / scale)), in [0, 100); sums are exact, so that the order of contacts is nothing."""
    harm = math.fsum(value for own in parts.values() for value in own)
    pressure = max(0.0, harm - math.fsum(praise(past, weights)))
    return min(HIGHEST, -100 * math.expm1(-pressure / weights.scale))


def _trend(level: float, past: Past, weights: Weights, *, states: bool) -> str:
    earlier = [each for place, each in enumerate(past.contacts) if past.days(place) >= weights.trend_days]
    then = 0.0
    if earlier:
        before = look_back(earlier, past.at - timedelta(days=weights.trend_days), weights, states=states)
        then = score(contributions(before, weights), before, weights)
    change = level - then
    return "rising" if change > TREND_POINTS else "falling" if change < -TREND_POINTS else "steady"


def _drivers(past: Past, parts: Mapping[str, Sequence[float]]) -> tuple[Driver, ...]:
    sums = {name: math.fsum(own) for name, own in parts.items()}
    everything = math.fsum(sums.values()) or 1.0
    shares = {name: total / everything for name, total in sums.items()}
    found = [Driver(name, share, _evidence(past, parts[name])) for name, share in shares.items() if share > 0]
    return tuple(sorted(found, key=lambda driver: (-driver.share, driver.name)))


def _evidence(past: Past, own: Sequence[float]) -> tuple[str, ...]:
    """The ids of the contacts that add most, the earlier first among equals."""
    adding = sorted((-value, place) for place, value in enumerate(own) if value > 0)
    return tuple(dict.fromkeys(past.contacts[place].id for _, place in adding))[:EVIDENCE]


def _value(contacts: Iterable[Contact]) -> float | None:
    """The latest revenue; of two at one time the larger."""
    known = [(each.time, each.outcome.revenue) for each in contacts if each.outcome.revenue is not None]
    return max(known)[1] if known else None
