"""What was found, in words: the same for the terminal and the page, in any of the three languages."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.drift.found import CANNOT_TELL, CHANGED, RETRAIN, STEADY, Drift, Signal
from pipeline.drift.signals import FEWEST
from pipeline.report.words import Words

PACKAGES = ("pipeline.drift", "pipeline.report")
LABELLED = 400  # messages: their 95% interval of an accuracy is 5 points either way at its widest


def verdict(drift: Drift, words: Words) -> str:
    """One or two sentences: is there an alarm, and is retraining worth it?"""
    number = words.locale.number
    if drift.verdict == CANNOT_TELL:
        sizes = {"stream": drift.stream.size, "reference": drift.reference.size}
        enough = min(sizes.values()) >= FEWEST
        said = {name: number(size) for name, size in (sizes | {"fewest": FEWEST}).items()}
        return words("verdict_nothing") if enough else words("verdict_cannot_tell", **said)
    if drift.verdict == STEADY:
        return words("verdict_steady", rate=rate(drift, words))
    named = {"signals": listed(drift, words), "rows": number(LABELLED)}
    if drift.verdict == RETRAIN:
        loss = drift.losses[0]
        named |= {"loss": points(loss.value, words), "low": points(loss.low, words), "high": points(loss.high, words)}
    return words.locale.digits(words(f"verdict_{RETRAIN if drift.verdict == RETRAIN else CHANGED}", **named))


def sizes(drift: Drift, words: Words) -> str:
    """What was compared; each message stands for itself unless both files say whose it is."""
    number, units = words.locale.number, (drift.reference.unit, drift.stream.unit)
    unit = units[0] if units[0] == units[1] else "message"
    return words(
        f"sizes_{unit}", stream=number(drift.stream.size), reference=number(drift.reference.size),
        all_stream=number(drift.stream.messages), all_reference=number(drift.reference.messages),
    )  # fmt: skip


def notes(drift: Drift, words: Words) -> Iterator[str]:
    """How the rate is kept, and what would have been noticed."""
    if drift.signals:
        yield words("how_rate", rate=rate(drift, words))
    for signal in drift.signals:
        if signal.detectable is not None:
            value = words.locale.number(signal.detectable, 2) if signal.measure == "auc" else None
            said = words(f"detectable_{signal.name}", value=value or points(signal.detectable, words))
            yield words.locale.digits(said)


def listed(drift: Drift, words: Words) -> str:
    """The signals that were raised."""
    return ("، " if words.locale.language != "en" else ", ").join(words(f"signal_{name}") for name in drift.raised)


def middle(signal: Signal, value: float | None, words: Words) -> str:
    """Half of the messages have no more of it; of `abstention`, the share. Empty where a signal has no such number."""
    if value is None:
        return ""
    if signal.name == "length":
        return words.locale.number(value)
    return words.locale.number(value, 2) if signal.name == "confidence" else words.locale.percent(value)


def p_value(signal: Signal, words: Words) -> str:
    return words.locale.number(signal.p_value, 4)


def points(share: float, words: Words) -> str:
    """A share as points of a hundred."""
    return words.locale.number(100 * share, 1)


def rate(drift: Drift, words: Words) -> str:
    """With a decimal where it has one."""
    percent = words.locale.percent(drift.rate)
    share = 100 * drift.rate
    return percent if share == round(share) else f"{words.locale.number(share, 1)}{percent[-1]}"
