"""Numbers and dates as the reader of a page writes them: English, Arabic or Persian, Gregorian or Solar Hijri."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import jdatetime
from babel import Locale as Babel
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from pipeline.errors import UsageError

LANGUAGES = ("en", "ar", "fa")
CALENDARS = ("gregorian", "jalali")
_SYSTEM = {"en": "latn", "ar": "arab", "fa": "arabext"}
_MARKED = re.compile("[\u200e\u200f\u061c]*[-\u2212]")


@dataclass(frozen=True)
class Locale:
    """`language` and `calendar` of one page; a Persian page has the Solar Hijri calendar unless told otherwise.

    `latin`: digits are 0 to 9 in every language.
    """

    language: str
    calendar: str
    latin: bool = False

    @classmethod
    def of(cls, language: str, calendar: str | None = None, *, latin: bool = False) -> Locale:
        """Raises UsageError for a language or a calendar that there is not."""
        if language not in LANGUAGES:
            raise UsageError(f"--lang is {language!r}, expected one of {', '.join(LANGUAGES)}")
        calendar = calendar or ("jalali" if language == "fa" else "gregorian")
        if calendar not in CALENDARS:
            raise UsageError(f"--calendar is {calendar!r}, expected one of {', '.join(CALENDARS)}")
        return cls(language, calendar, latin)

    @property
    def direction(self) -> str:
        return "ltr" if self.language == "en" else "rtl"

    def number(self, value: float, digits: int = 0) -> str:
        """With the digits and separators of the language, or of Latin numbers."""
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        text = format_decimal(value, pattern, locale=self._babel, numbering_system=self._system)
        return self.digits(_MARKED.sub("\u2212", text))

    def percent(self, share: float) -> str:
        """A share in [0, 1] as whole percents."""
        return f"{self.number(100 * share)}{'%' if self._system == 'latn' else '٪'}"

    def digits(self, text: str) -> str:
        """`text` with the language's own digits, unless they are to be Latin."""
        zero = {"latn": 0x30, "arab": 0x660, "arabext": 0x6F0}[self._system]
        return text.translate({0x30 + each: zero + each for each in range(10)})

    def date(self, moment: datetime) -> str:
        """Day, month by name and year."""
        if self.calendar == "gregorian":
            return self.digits(format_date(moment, "d MMM y", locale=self._babel))
        day = jdatetime.date.fromgregorian(date=moment.date())
        return self.digits(f"{day.day} {self._solar_month(day.month)} {day.year}")

    def short_date(self, moment: datetime) -> str:
        """Day and month, for an axis."""
        if self.calendar == "gregorian":
            return self.digits(format_date(moment, "d MMM", locale=self._babel))
        day = jdatetime.date.fromgregorian(date=moment.date())
        return self.digits(f"{day.day} {self._solar_month(day.month)}")

    def time(self, moment: datetime) -> str:
        """Date, hour and minute."""
        return f"{self.date(moment)} {self.digits(format_datetime(moment, 'HH:mm', locale=self._babel))}"

    def minutes(self, value: float) -> str:
        """A duration: minutes, from two hours on hours, from two days on days."""
        for size, unit in ((2880, 1440), (120, 60)):
            if value >= size:
                return f"{self.number(value / unit, 1)} {self._unit(unit, round(value / unit, 1))}"
        return f"{self.number(value)} {self._unit(1, round(value))}"

    def days(self, count: int) -> str:
        """As many days."""
        return f"{self.number(count)} {self._unit(1440, count)}"

    def _unit(self, minutes: int, count: float) -> str:
        forms = _DURATION[minutes][self.language]
        return forms.get(self._babel.plural_form(count), forms["other"])

    def _solar_month(self, month: int) -> str:
        return str(_SOLAR[self.language][month - 1])

    @property
    def _system(self) -> str:
        return "latn" if self.latin else _SYSTEM[self.language]

    @cached_property
    def _babel(self) -> Babel:
        return Babel(self.language)


_DURATION: dict[int, dict[str, dict[str, str]]] = {  # by the plural forms of CLDR, behind a number
    1: {"en": {"other": "min"}, "ar": {"few": "دقائق", "other": "دقيقة"}, "fa": {"other": "دقیقه"}},
    60: {"en": {"one": "hour", "other": "hours"}, "ar": {"few": "ساعات", "other": "ساعة"}, "fa": {"other": "ساعت"}},
    1440: {
        "en": {"one": "day", "other": "days"}, "ar": {"few": "أيام", "many": "يومًا", "other": "يوم"},
        "fa": {"other": "روز"},
    },
}  # fmt: skip
_SOLAR = {
    "en": tuple(jdatetime.date.j_months_en),
    "fa": tuple(jdatetime.date.j_months_fa),
    "ar": (
        "فروردين",
        "أرديبهشت",
        "خرداد",
        "تير",
        "مرداد",
        "شهريور",
        "مهر",
        "آبان",
        "آذر",
        "دي",
        "بهمن",
        "إسفند",
    ),
}
