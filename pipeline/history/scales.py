"""The scales that desks measure on, brought to one: states, durations in minutes, satisfaction in [0, 1]."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from pipeline.columns.names import fold, folded
from pipeline.columns.times import UNIX_TIME, plain_digits, times

STATES = {
    "open": folded("open", "new", "active", "مفتوح", "مفتوحة", "جديد", "جديدة", "باز", "جدید"),
    "pending": folded(
        "pending", "on hold", "hold", "waiting", "in progress", "snoozed", "معلق", "معلقة", "قيد الانتظار",
        "قيد المعالجة", "در انتظار", "در حال بررسی", "در حال پیگیری",
    ),
    "solved": folded(
        "solved", "resolved", "closed", "done", "completed", "محلول", "محلولة", "تم الحل", "مغلق", "مغلقة", "حل شده",
        "حل شد", "بسته", "بسته شده",
    ),
    "reopened": folded(
        "reopened", "re opened", "reopen", "أعيد فتحها", "أعيد فتحه", "معاد فتحها", "معاد فتحه", "بازگشایی شده",
        "دوباره باز شده",
    ),
}  # fmt: skip
OUTBOUND = frozenset(
    folded(
        "outbound", "outgoing", "out", "agent", "staff", "admin", "operator", "support", "bot", "system", "note",
        "internal", "صادر", "صادرة", "موظف", "الموظف", "وكيل", "الدعم", "کارشناس", "پشتیبان", "اپراتور", "خروجی",
    )
)  # fmt: skip
_STATE_OF = {name: state for state, names in STATES.items() for name in names}
_CLOCK = re.compile(r"(?:(\d+) days?, )?(\d+):(\d{2})(?::(\d{2})(?:\.\d+)?)?")
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_UNITS = {
    60.0: frozenset(folded("h", "hr", "hrs", "hour", "hours", "ساعة", "ساعات", "بالساعات", "ساعت")),
    1 / 60: frozenset(folded("s", "sec", "secs", "second", "seconds", "ثانية", "ثواني", "ثانیه")),
    1440.0: frozenset(folded("d", "day", "days", "يوم", "أيام", "روز")),
}
_GOOD = frozenset(folded("good", "satisfied", "happy", "yes", "راض", "راضي", "راضية", "جيد", "راضی", "خوب"))
_BAD = frozenset(
    folded("bad", "unsatisfied", "dissatisfied", "unhappy", "no", "غير راض", "غير راضي", "سيئ", "ناراضی", "بد")
)


def state(value: Any) -> str | None:
    """open, pending, solved or reopened; None for a value that is none of them."""
    return _STATE_OF.get(fold(str(value))) if value not in (None, "") else None


def is_outbound(value: Any) -> bool:
    """Whether a message with this direction is one of the desk's own."""
    return value not in (None, "") and fold(str(value)) in OUTBOUND


def number(value: Any) -> float | None:
    """A number as it is written in any of the three languages; None where there is none."""
    if not isinstance(value, bool):
        with suppress(TypeError, ValueError):  # most are plain
            return found if math.isfinite(found := float(value)) else None
    text = plain_digits(str(value)).replace("٫", ".").replace("٬", "").strip("% ")
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    elif "," in text:  # 4,5 and 1.250,50
        text = text.replace(".", "").replace(",", ".")
    return float(text) if _NUMBER.fullmatch(text) else None


def minutes(column: str, values: Sequence[Any], since: Sequence[datetime | None]) -> list[float | None]:
    """Durations: numbers in the unit that the column's name says, or of minutes; h:mm; or times, taken from `since`.

    What would be less than nothing is no duration.
    """
    unit = next((factor for factor, words in _UNITS.items() if words.intersection(fold(column).split())), 1.0)
    found = [_duration(value, unit) for value in values]
    for place, (end, begin) in enumerate(zip(_times(values, found), since, strict=True)):
        if end is not None and begin is not None:
            found[place] = (end - begin).total_seconds() / 60
    return [each if each is not None and each >= 0 else None for each in found]


def satisfaction(values: Sequence[Any]) -> list[float | None]:
    """In [0, 1]: words for good and bad, or numbers on the scale that the column's largest tells: 1, 5, 10 or 100."""
    said = [_said(value) for value in values]
    numbers = [number(value) for value in values]
    top = max((each for each in numbers if each is not None), default=0.0)
    low, high = next(scale for scale in ((0, 1), (1, 5), (0, 10), (0, 100), (0, top)) if top <= scale[1])
    scaled = [None if each is None else min(1.0, max(0.0, (each - low) / ((high - low) or 1))) for each in numbers]
    return [word if word is not None else place for word, place in zip(said, scaled, strict=True)]


def _said(value: Any) -> float | None:
    word = fold(str(value))
    return 1.0 if word in _GOOD else 0.0 if word in _BAD else None


def _duration(value: Any, unit: float) -> float | None:
    given = number(value)
    if given is not None:
        return given * unit if given < UNIX_TIME else None
    match = _CLOCK.fullmatch(plain_digits(str(value)))
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) + seconds / 60


def _times(values: Sequence[Any], found: Sequence[float | None]) -> list[datetime | None]:
    return times([value if each is None else None for value, each in zip(values, found, strict=True)])
