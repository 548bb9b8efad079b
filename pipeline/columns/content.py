"""What the values of a column look like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

_MOST = 0.9
_CHANNELS = frozenset(
    {
        "email",
        "e-mail",
        "mail",
        "chat",
        "phone",
        "call",
        "voice",
        "web",
        "portal",
        "form",
        "sms",
        "whatsapp",
        "telegram",
    }
    | {
        "twitter",
        "x",
        "facebook",
        "instagram",
        "app",
        "mobile",
        "api",
        "social",
        "messenger",
        "widget",
        "forum",
        "store",
    }
    | {"واتساب", "هاتف", "بريد", "تويتر", "تطبيق", "تلفن", "ایمیل", "تلگرام", "اینستاگرام", "واتساپ", "چت", "سایت"}
)


def text_fitness(values: Sequence[Any]) -> float:
    """Words a value, at most 30, times the share of different values; 0 unless most values are words of letters."""
    texts = [value for value in values if isinstance(value, str) and value.strip()]
    filled = sum(value not in (None, "") for value in values)
    worded = [text for text in texts if _is_worded(text)]
    if not filled or len(worded) < filled / 2:
        return 0.0
    words = sum(min(30, len(text.split())) for text in worded) / len(worded)
    return words * len(set(worded)) / len(worded)


def looks_like(role: str, name: str, values: Sequence[Any]) -> bool:
    """Whether the values do not speak against a role found by name, or speak for it (`time content` and the like)."""
    filled = [value for value in values if value not in (None, "")]
    if role == "time content":
        return _share(filled, _is_time) >= _MOST
    if role == "customer content":
        return _share(filled, _is_email) >= _MOST
    if role == "channel":
        return name.casefold() not in ("source", "منبع", "المصدر") or _share(filled, _is_channel) >= 0.5
    if role in ("time", "id", "customer"):
        return not filled or text_fitness(values) < 8
    return True


def _share(filled: Sequence[Any], test: Any) -> float:
    return sum(map(test, filled)) / len(filled) if filled else 0.0


def _is_worded(text: str) -> bool:
    """Mostly letters; an address, a link or a single token with digits is no message."""
    letters = sum(char.isalpha() for char in text)
    return letters * 2 > len(text) and "://" not in text.split()[0] and not _email().fullmatch(text.strip())


def _is_email(value: Any) -> bool:
    return isinstance(value, str) and _email().fullmatch(value.strip()) is not None


def _is_time(value: Any) -> bool:
    return isinstance(value, date) or (isinstance(value, str) and _time().match(value.strip()) is not None)


def _is_channel(value: Any) -> bool:
    return isinstance(value, str) and bool(set(re.split(r"[\W_]+", value.casefold())) & _CHANNELS)


@cache
def _email() -> re.Pattern[str]:
    return re.compile(r"(?:[^<>@]*<)?[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+>?")


@cache
def _time() -> re.Pattern[str]:
    """Year first or last, Gregorian or Solar Hijri, in any of the three digit forms."""
    return re.compile(r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})(?:$|[T\s,])")
