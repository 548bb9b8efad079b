"""The invented world in figures: every constant with its unit, and the two tables beside this file.

None of these figures was measured anywhere. They are chosen so that about one customer in nine leaves within the year.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

DAYS = 365  # length of the year
START = date(2025, 11, 1)  # its first day, unless said
OFFSET = "+03:00"  # of every time
NEVER = 1 << 40  # a day that does not come
QUARTER_DAYS = 92

# customers
LANGUAGES = {"ar": 0.45, "fa": 0.30, "en": 0.25}  # shares of the customers
PRODUCTS = {"app": 0.6, "card": 0.4}  # shares; an incident hits customers of one product
PLANS = {"basic": 0.55, "standard": 0.33, "premium": 0.12}  # shares
REVENUE_MEDIAN = {"basic": 120.0, "standard": 400.0, "premium": 1500.0}  # a year, in the desk's own currency
REVENUE_SPREAD = 0.5  # standard deviation of its logarithm
VIP = {"basic": 0.02, "standard": 0.08, "premium": 0.35}  # probabilities
ALREADY_THERE = 0.6  # share of the customers who came before the year; the others come evenly over it
LONGEST_TENURE = 3 * 365  # days, of a customer on the first day of the year

# satisfaction, in [-1, 1]
MOOD_MEAN, MOOD_SPREAD = 0.25, 0.35  # of a customer's own level
RETURN = 0.03  # share of the way back to that level, a day
DRIFT = 0.05  # standard deviation of the random step of a day
SLOW_HURTS, UNSOLVED_HURTS, GOOD_HELPS = 0.10, 0.18, 0.05  # points, one ticket
WORST_DAY, BEST_DAY = -0.30, 0.15  # limits of what the tickets of one day do

# contact
USAGE_SPREAD = 0.9  # standard deviation of the logarithm of how much a customer uses the service; mean 1
CONTACT_PULL = 0.4  # the contact rate is multiplied by exp(-this * satisfaction)
NEW_EXTRA, NEW_DAYS = 1.0, 30  # the rate is 1 + NEW_EXTRA times as high on the first day, fading over NEW_DAYS
WEEKDAYS = (1.15, 1.10, 1.05, 0.80, 0.50, 1.15, 1.20)  # relative rate, from Monday; Saturday to Wednesday are worked
HOURS = (1, 1, 1, 1, 1, 2, 3, 8, 20, 28, 32, 32, 28, 24, 24, 26, 28, 28, 26, 28, 30, 26, 10, 4)  # relative, from 0:00

# leaving
HAZARD = 4.6e-4  # probability a day of a neutral, settled customer to decide to leave
HAZARD_PULL = 3.0  # it is multiplied by exp(-this * satisfaction)
NEW_BUMP, RENEWAL_BUMP = 1.3, 1.8  # and by these in the first days and around the yearly renewal
ANNOUNCES = 0.6  # probability that the decision is followed by a message, on the same day
NOTICE_MEDIAN, NOTICE_SPREAD, NOTICE_MOST = 12.0, 0.6, 60  # days from the decision to the leaving; log-normal, capped
ONBOARDING = 30  # days
RENEWAL = 15  # days before and after each anniversary

# the desk
PREFERS = 0.7  # probability that a customer uses the preferred channel
CARELESS = 0.12  # share of tickets handled badly
CARELESS_DELAY = 6.0  # times as long to the first response
RESPONSE_SPREAD = 0.8  # standard deviation of the logarithm of the first response
SLOW = 4.0  # a first response later than this many times the channel's median is slow
VIP_DELAY = 0.5  # times as long for a vip
SOLVED, CARELESS_SOLVED = 0.93, 0.55  # probabilities that the ticket is solved
REOPENED = 0.05  # share of solved tickets that are reopened
RESOLUTION_MEDIAN, RESOLUTION_SPREAD = 240.0, 1.0  # minutes after the last message; log-normal
WRONG_GROUP = 0.15  # share of tickets in another queue than the topic's
CSAT_ANSWERED = 0.30  # share of solved tickets with a csat
CSAT_MEAN, CSAT_PULL, CSAT_SERVICE, CSAT_SPREAD = 3.4, 1.4, 4.0, 0.7  # points of 1 to 5; spread: of the answer
NPS_ANSWERED = 0.25  # share of the customers asked who answer, a quarter
NPS_MEAN, NPS_PULL, NPS_SPREAD = 6.0, 4.5, 1.8  # points of 0 to 10

# tickets
SIZES_SOLVED = (0.55, 0.28, 0.12, 0.05)  # shares of tickets with 1, 2, 3, 4 customer messages
SIZES_UNSOLVED = (0.25, 0.30, 0.25, 0.20)
LATER_DAYS = (0.45, 0.35, 0.12, 0.08)  # shares of later messages 0, 1, 2, 3 days after the one before
CHASES, COMPLAINS, THANKS = 0.5, 0.35, 0.12  # share of later messages of each kind, where the kind can be
HAS_SUBJECT = 0.7  # share of tickets with a subject, in channels that have one
SUBJECT_WORDS = 6  # the first words of the ticket

# texts
SENTIMENT_PULL = 2.0  # a text is exp(this * satisfaction * sign of its sentiment) times as likely


@dataclass(frozen=True, slots=True)
class Channel:
    """`share` of the customers who prefer it; `response` is the median first response in minutes."""

    share: float
    response: float
    subject: bool = False


CHANNELS = {
    "email": Channel(0.24, 300.0, subject=True),
    "chat": Channel(0.20, 6.0),
    "whatsapp": Channel(0.20, 25.0),
    "phone_note": Channel(0.10, 2.0),
    "app_review": Channel(0.08, 1440.0),
    "web_form": Channel(0.12, 360.0, subject=True),
    "twitter": Channel(0.06, 120.0),
}


@dataclass(frozen=True, slots=True)
class Topic:
    """A line of `topics.toml`, which says what the figures are."""

    share: float
    tilt: float
    new: float
    group: str
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """A table of `incidents.toml`, which says what the figures are; `texts` are its messages by language."""

    name: str
    topic: str
    first_day: int
    days: int
    product: str
    reach: float
    knock: float
    writes: float
    texts: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Subjects:
    """What can be written about. `announcement`, `chasing`, `unsolved` and `solved` are topics with a part to play."""

    topics: Mapping[str, Topic]
    announcement: str
    chasing: str
    unsolved: str
    solved: str


def load_subjects() -> Subjects:
    """From `topics.toml`."""
    content = _table("topics.toml")
    topics = {name: Topic(**values) for name, values in content["topic"].items()}
    return Subjects(topics, content["announcement"], **content["follow_up"])


def load_incidents() -> tuple[Incident, ...]:
    """From `incidents.toml`, in its order."""
    incidents = []
    for name, values in _table("incidents.toml").items():
        texts = {language: tuple(values.pop(language)) for language in LANGUAGES}
        incidents.append(Incident(name, **values, texts=texts))
    return tuple(incidents)


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
