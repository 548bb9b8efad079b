"""What each contact adds to the pressure on a customer to leave, driver by driver.

A driver takes a `Past` and the weights and returns one contribution a contact (n,), 0 or more. Each is such that a
further displeased message can only raise its sum, or, for silence, lower it by less than that message brings.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from pipeline.records import Contact
from pipeline.risk.past import DAY, REOPENED, WAITING, Past
from pipeline.risk.weights import Weights

LOW_CSAT = 0.25  # of 1
LOW_NPS = 6  # of 10: those up to here are detractors (Reichheld 2003, "The One Number You Need to Grow")
SAME_TALK = timedelta(hours=1)  # what follows sooner is no second contact


def displeasure(contact: Contact) -> float:
    """How negative a message is, in [0, 1]: its probability from a half on, nothing up to a quarter, linear between.

    So a stream of plain questions, each a little negative, adds up to nothing.
    """
    return min(contact.negative, max(0.0, 2 * contact.negative - 0.5))


def announced_leaving(past: Past, weights: Weights) -> list[float]:
    """The churn probability above the floor, brought back to [0, 1]."""
    floor = weights.announced_floor
    said = [max(0.0, each.churn - floor) / (1 - floor) for each in past.contacts]
    return [weights.announced_leaving * own * fresh for own, fresh in zip(said, past.fresh, strict=True)]


def negative_sentiment(past: Past, weights: Weights) -> list[float]:
    return _harm(past, weights.negative_sentiment, displeasure)


def anger(past: Past, weights: Weights) -> list[float]:
    return _harm(past, weights.anger, lambda each: each.anger)


def money_dispute(past: Past, weights: Weights) -> list[float]:
    topics = weights.money_topics
    return _harm(past, weights.money_dispute, lambda each: displeasure(each) if each.topic in topics else 0.0)


def falling_sentiment(past: Past, weights: Weights) -> list[float]:
    """The maximum drawdown: the deepest fall below the best earlier mood, on the one message that it ends in.

    A fall counts as far as its end is displeased: a plain question after thanks is none. Unlike a slope, it can only
    rise when a message is added.
    """
    falls, best, reached = [], -1.0, -1.0  # `reached` is the best mood so far, `best` that before the message's time
    moment: datetime | None = None
    for each, fresh in zip(past.contacts, past.fresh, strict=True):
        if each.time != moment:
            best, moment = reached, each.time
        falls.append(weights.falling_sentiment * max(0.0, best - each.polarity) / 2 * displeasure(each) * fresh)
        if each.sentiment:
            reached = max(reached, each.polarity)
    return _only_largest(falls)


def repeated_contact(past: Past, weights: Weights) -> list[float]:
    """Contacts with an earlier one on the same topic, at least an hour and at most `repeat_days` before.

    Thanks, and messages out of scope, which have no sentiment, are never repeats.
    """
    times: dict[str, list[datetime]] = {}
    found = []
    for each, fresh, kept in zip(past.contacts, past.fresh, past.kept, strict=True):
        counted = bool(each.topic and each.sentiment) and each.topic not in weights.praise_topics
        earlier = times.setdefault(each.topic, []) if counted else []
        place = bisect_right(earlier, each.time - SAME_TALK)
        again = place > 0 and (each.time - earlier[place - 1]) / DAY <= weights.repeat_days
        found.append(weights.repeated_contact * (1 - each.positive) * fresh * kept if again else 0.0)
        earlier.append(each.time)
    return found


def unresolved(past: Past, weights: Weights) -> list[float]:
    """Tickets that were reopened, or are open or pending `unanswered_days` after they began; on their last contact.

    Thanks neither begin nor renew a ticket.
    """
    found = [0.0] * len(past.contacts)
    for ticket, state in past.states.items():
        own = [place for place in past.tickets[ticket] if past.contacts[place].topic not in weights.praise_topics]
        waits = bool(own) and state in WAITING and past.days(own[0]) > weights.unanswered_days
        if own and (state == REOPENED or waits):
            found[own[-1]] = weights.unresolved * past.fresh[own[-1]]
    return found


def silence_after_negative(past: Past, weights: Weights) -> list[float]:
    """The last contact, if displeased, from `silence_days` of silence on, in full after twice as many."""
    last = past.contacts[-1].time
    gap = (past.at - last) / DAY
    grown = min(1.0, max(0.0, gap / weights.silence_days - 1))
    harm = _harm(past, weights.silence_after_negative * grown, displeasure)
    return _only_largest([own if each.time == last else 0.0 for each, own in zip(past.contacts, harm, strict=True)])


def low_csat(past: Past, weights: Weights) -> list[float]:
    """Tickets with a rating of at most `LOW_CSAT`, once each, on the last contact that holds it."""
    found = [0.0] * len(past.contacts)
    for own in past.tickets.values():
        low = [i for i in own if (csat := past.contacts[i].outcome.csat) is not None and csat <= LOW_CSAT]
        if low:
            found[low[-1]] = weights.low_csat * past.fresh[low[-1]]
    return found


def low_nps(past: Past, weights: Weights) -> list[float]:
    """The last answer, if it is at most `LOW_NPS`; of two at one time the lower."""
    answers = [
        (each.time, -each.outcome.nps, i) for i, each in enumerate(past.contacts) if each.outcome.nps is not None
    ]
    found = [0.0] * len(past.contacts)
    if answers:
        _, lowest, place = max(answers)
        found[place] = weights.low_nps * past.fresh[place] if -lowest <= LOW_NPS else 0.0
    return found


def praise(past: Past, weights: Weights) -> list[float]:
    """What protects: thanks, as far as they are more positive than negative."""
    thanks = [max(0.0, each.polarity) if each.topic in weights.praise_topics else 0.0 for each in past.contacts]
    return [weights.praise * own * fresh for own, fresh in zip(thanks, past.fresh, strict=True)]


DRIVERS: Mapping[str, Callable[[Past, Weights], list[float]]] = MappingProxyType(
    {
        each.__name__: each
        for each in (
            announced_leaving, negative_sentiment, anger, falling_sentiment, repeated_contact, unresolved,
            money_dispute, silence_after_negative, low_csat, low_nps,
        )
    }
)  # fmt: skip


def _harm(past: Past, weight: float, strength: Callable[[Contact], float]) -> list[float]:
    """What a solved ticket relieves of."""
    each = zip(past.contacts, past.fresh, past.kept, strict=True)
    return [weight * strength(contact) * fresh * kept for contact, fresh, kept in each]


def _only_largest(values: list[float]) -> list[float]:
    """The others become 0; of equal ones the first stays."""
    largest = max(range(len(values)), key=values.__getitem__)
    return [value if place == largest else 0.0 for place, value in enumerate(values)]
