"""One customer as of one moment, as named numbers: what a model of leaving is learnt from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pipeline.records import Contact
from pipeline.risk.drivers import DRIVERS, displeasure, praise
from pipeline.risk.fold import contributions
from pipeline.risk.known import as_known
from pipeline.risk.past import Past, look_back
from pipeline.risk.weights import DEFAULT, Weights

WINDOWS = (7, 30, 90)  # days
RECENT = 90  # days of a recent mood
FEATURES = (
    *DRIVERS, "praise", *(f"contacts_{days}_days" for days in WINDOWS), f"tickets_{RECENT}_days", "days_since_contact",
    "days_known", "mean_polarity", f"mean_polarity_{RECENT}_days", f"displeased_{RECENT}_days",
    f"most_churn_{RECENT}_days",
)  # fmt: skip


def features(contacts: Iterable[Contact], *, now: datetime, weights: Weights = DEFAULT) -> dict[str, float]:
    """One value for each name of `FEATURES`; `contacts` are of one customer, at least one of them up to `now`.

    Of each driver what it adds to the pressure, then counts, ages in days and moods. Nothing that was not known at
    `now` is used, see `as_known` and `datable`. Raises ValueError when there is no contact up to `now`.
    """
    known = as_known(contacts, now)
    if not known:
        raise ValueError(f"features: no contact is at or before {now.isoformat()}; give at least one")
    past = look_back(known, now, weights)
    return features_of(past, contributions(past, weights), weights)


def features_of(past: Past, parts: Mapping[str, Sequence[float]], weights: Weights) -> dict[str, float]:
    """The same from what was known, and from what `contributions` says of it."""
    ages = [past.days(place) for place in range(len(past.contacts))]
    recent = [each for each, age in zip(past.contacts, ages, strict=True) if age <= RECENT]
    return {
        **{name: math.fsum(own) for name, own in parts.items()},
        "praise": math.fsum(praise(past, weights)),
        **{f"contacts_{days}_days": float(sum(age <= days for age in ages)) for days in WINDOWS},
        f"tickets_{RECENT}_days": float(len({each.ticket for each in recent})),
        "days_since_contact": min(ages),
        "days_known": max(ages),
        "mean_polarity": _mood(past.contacts),
        f"mean_polarity_{RECENT}_days": _mood(recent),
        f"displeased_{RECENT}_days": math.fsum(map(displeasure, recent)),
        f"most_churn_{RECENT}_days": max((each.churn for each in recent), default=0.0),
    }


def _mood(contacts: Iterable[Contact]) -> float:
    """Mean polarity of the messages that have one; 0 for none."""
    moods = [each.polarity for each in contacts if each.sentiment]
    return math.fsum(moods) / len(moods) if moods else 0.0
