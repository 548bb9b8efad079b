"""What each sign of leaving weighs: a prior, judged by hand and not learnt, that the `[risk]` table of nabd.toml sets.

A weight is the pressure that one message of today adds at the full strength of its sign. Pressure becomes a score by
100 * (1 - exp(-pressure / scale)): with a scale of 10, a pressure of 2.9 is a score of 25, 6.9 is 50, and 13.9 is 75.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pipeline.columns.names import one_of
from pipeline.errors import UsageError

LARGEST = 1_000_000.0  # of any number here, so that no sum overflows
POSITIVE = ("half_life_days", "scale", "silence_days", "trend_days")  # what is divided by
SHARES = ("relief", "announced_floor")


def _weight(default: Any, help_line: str) -> Any:
    return field(default=default, metadata={"help": help_line})


@dataclass(frozen=True, slots=True)
class Weights:
    """Every number of the risk model, with its help line; the order is that of the settings file.

    `silence_after_negative` may be at most `negative_sentiment * (1 - relief) / 2`. A new displeased message ends a
    silence: it takes away at most that weight times the decay of the older message, and brings at least half of
    `negative_sentiment * (1 - relief)` times its own decay, which is no smaller. So it never lowers the score.
    """

    half_life_days: float = _weight(30.0, "days after which a message counts half")
    scale: float = _weight(10.0, "pressure at which the score is 63; larger: every score is lower")
    announced_leaving: float = _weight(10.0, "a message that says for certain that the customer leaves")
    announced_floor: float = _weight(0.1, "a churn probability up to here counts as nothing")
    negative_sentiment: float = _weight(2.0, "a wholly negative message")
    anger: float = _weight(2.0, "a wholly angry message")
    falling_sentiment: float = _weight(3.0, "the deepest fall, from wholly positive to wholly negative")
    repeated_contact: float = _weight(0.5, "a message on the topic of an earlier one")
    repeat_days: float = _weight(14.0, "days within which a message on the same topic is a repeat")
    unresolved: float = _weight(2.0, "a ticket that was reopened or waits")
    unanswered_days: float = _weight(2.0, "days after which a ticket that is open or pending waits")
    money_dispute: float = _weight(1.0, "a wholly negative message about money taken")
    money_topics: tuple[str, ...] = _weight(("charge", "refund"), "topics that are about money taken")
    silence_after_negative: float = _weight(0.6, "a last message that was wholly negative, and then nothing")
    silence_days: float = _weight(14.0, "days after which no news is silence; it counts in full after twice as many")
    low_csat: float = _weight(2.0, "a ticket that the customer rated in the lowest quarter of the scale")
    low_nps: float = _weight(2.0, "a customer who would not recommend the company: 0 to 6 of 10")
    praise: float = _weight(2.0, "taken off for a wholly positive message of thanks")
    praise_topics: tuple[str, ...] = _weight(("praise",), "topics that are thanks")
    relief: float = _weight(0.4, "share of a ticket's harm that goes once it is solved, in [0, 1]")
    trend_days: float = _weight(30.0, "the trend compares with the score so many days ago")
    bands: tuple[float, float, float] = _weight((25.0, 50.0, 75.0), "scores from which on it is watch, high, critical")


DEFAULT = Weights()
NAMES = tuple(entry.name for entry in fields(Weights))
TOPICS = ("money_topics", "praise_topics")


def parse_weights(table: Any, source: str, *, topics: Sequence[str] = (), model: str = "") -> Weights:
    """The `[risk]` table of a settings file called `source`; what it leaves out keeps its default.

    `topics` are the labels that a topic can be, where they are known, and `model` whose they are. Raises UsageError for
    an unknown key, a value of another type or out of its range, and a silence that would outweigh a displeased message.
    """
    if not isinstance(table, Mapping):
        raise UsageError(f"{source}: risk must be a table written as [risk], found {type(table).__name__}")
    given: dict[str, Any] = {}
    for key, value in table.items():
        where = f"{source}, [risk]: {key}"
        if key not in NAMES:
            raise UsageError(f"{source}: unknown key {key!r} in [risk], expected one of {', '.join(NAMES)}")
        if key.endswith("_topics"):
            given[key] = _topics(value, where, topics, model)
        else:
            given[key] = _bands(value, where) if key == "bands" else _number(key, value, where)
    weights = Weights(**{**_known(topics), **given})
    most = weights.negative_sentiment * (1 - weights.relief) / 2
    if weights.silence_after_negative > most + 1e-9:
        raise UsageError(
            f"{source}, [risk]: silence_after_negative is {weights.silence_after_negative:g}, expected {most:g} or "
            "less: negative_sentiment * (1 - relief) / 2, so that a new displeased message never lowers the score"
        )
    return weights


def only_topics(weights: Weights, topics: Sequence[str]) -> Weights:
    """Without the topics that are none of `topics`."""
    kept: dict[str, Any] = {key: tuple(each for each in getattr(weights, key) if each in topics) for key in TOPICS}
    return replace(weights, **kept)


def _known(topics: Sequence[str]) -> dict[str, Any]:
    """The defaults that name topics, but for those that the model does not have."""
    return {key: getattr(only_topics(DEFAULT, topics), key) for key in TOPICS} if topics else {}


def _number(key: str, value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{where} must be a number, found {value!r}")
    most = 1.0 if key in SHARES else LARGEST
    if not 0 <= value <= most or (value == 0 and key in POSITIVE) or (value == 1 and key == "announced_floor"):
        least = "more than 0" if key in POSITIVE else "0 or more"
        below = "below" if key == "announced_floor" else "at most"
        raise UsageError(f"{where} is {value}, expected {least} and {below} {most:,.0f}")
    return float(value)


def _topics(value: Any, where: str, known: Sequence[str], model: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{where} must be a list of topics, found {value!r}")
    for item in value:
        if known and item not in known:
            of = f" of the model {model}" if model else ""
            raise UsageError(f"{where} has no topic {item!r}{of} to hold, {one_of(item, known)}")
    return tuple(value)


def _bands(value: Any, where: str) -> tuple[float, float, float]:
    numbers = value if isinstance(value, list) else []
    plain = all(isinstance(item, int | float) and not isinstance(item, bool) for item in numbers)
    if len(numbers) != 3 or not plain or not 0 < numbers[0] < numbers[1] < numbers[2] < 100:
        raise UsageError(f"{where} must be three rising numbers between 0 and 100, found {value!r}")
    return float(numbers[0]), float(numbers[1]), float(numbers[2])
