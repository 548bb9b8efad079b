"""How one reader wants the console: language, digits and colours, kept in one cookie that is not secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from babel.core import negotiate_locale

from pipeline.report.locale import LANGUAGES, Locale

COOKIE = "nabd_preferences"
DIGITS, THEMES = ("own", "latin"), ("auto", "light", "dark")
YEAR = 365 * 24 * 3600  # seconds that the cookie lives


@dataclass(frozen=True, slots=True)
class Preferences:
    """`digits` are the language's own or Latin; `theme` auto follows the reader's system."""

    language: str = "en"
    digits: str = "own"
    theme: str = "auto"

    @classmethod
    def of(cls, cookie: str, accepted: str) -> Preferences:
        """From the cookie, else the header Accept-Language; what is unknown in either is its default."""
        language, digits, theme = [*cookie.split("."), "", "", ""][:3]
        return cls(
            language if language in LANGUAGES else _spoken(accepted),
            digits if digits in DIGITS else "own",
            theme if theme in THEMES else "auto",
        )

    @property
    def cookie(self) -> str:
        return f"{self.language}.{self.digits}.{self.theme}"

    @property
    def locale(self) -> Locale:
        return Locale.of(self.language, latin=self.digits == "latin")


def preferences_of(cookies: Mapping[str, str], headers: Mapping[str, str]) -> Preferences:
    """Of one request."""
    return Preferences.of(cookies.get(COOKIE, ""), headers.get("accept-language", ""))


def _spoken(accepted: str) -> str:
    """The first language of the header that the console speaks; browsers list them by liking."""
    wanted = [part.partition(";")[0].strip() for part in accepted.split(",")]
    return negotiate_locale(wanted, LANGUAGES, sep="-") or "en"
