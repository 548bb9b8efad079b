"""Masks what identifies or robs a customer: cards, IBANs, national ids, phone numbers and e-mail addresses.

In doubt it masks, with one exception: a number that stands behind a word for order, tracking, invoice or ticket, or
beside a currency, is taken for that unless it is a card, an IBAN, a mobile number, begins with "+", or stands behind a
word for what it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.privacy.identifiers import (
    GROUPED_IDS,
    IBAN_LENGTH,
    is_card,
    is_iban,
    is_national_id,
    is_phone,
    is_us_phone,
)

MAX_GROUPS = 8  # groups of digits in one number: an Iranian IBAN in fours has seven
MIN_DIGITS, MAX_DIGITS = 7, 24
MAX_ROUNDS = 4  # a number may come to light when its neighbour is masked
MAX_CONTEXT = 48  # characters looked at on either side of a number

_ANY = re.compile(r"[@\d]")
# One gap between groups: a blank or a dash, with direction marks and half-spaces around it.
_MARK = "\u200b-\u200f\u202a-\u202e\u2066-\u2069\u061c\u2060\ufeff"
_GAP = rf"[{_MARK}]{{0,3}}[ \u00a0\u202f()\-\u2010-\u2015\u2212]{{0,3}}[{_MARK}]{{0,3}}"
_RUN = re.compile(rf"[+＋]?[{_MARK}]{{0,2}}\(?\d(?:{_GAP}\d)+")
_GROUP = re.compile(r"\d+")
_IBAN = re.compile(rf"(?<![A-Za-z0-9])([A-Za-z]{{2}}){_GAP}\d{_GAP}\d")
_ALNUM = re.compile(r"[A-Za-z\d]")
_FILLER = re.compile(rf"[{_MARK} \u00a0\u202f\-\u2010-\u2015\u2212]")
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62})\.)+[A-Za-z]{2,24}"
    r"(?![A-Za-z0-9_])"
)
_US = re.compile(r"(?<![\w.+-])\(?[2-9]\d\d\)?[ .-]{1,2}[2-9]\d\d[ .-]\d{4}(?![\w-]|\.\d)")
_DOTTED = re.compile(
    r"(?<![A-Za-z_.\d+\-])(?:[+＋]\d{1,3}(?:\.\d{1,4}){2,6}|[0٠۰]\d{1,4}(?:\.\d{2,4}){2,4})(?![A-Za-z_\d\-]|\.\d)"
)
_REFERENCE = re.compile(
    r"(?:#|№|\border\b|\btrack|invoice|ticket|\bref\b|reference|\bcase\b|booking|\bpnr\b|shipment|waybill|\bawb\b|serial|\bimei\b"
    r"|transaction|policy|\bsku\b|طلب|شحن|تتبع|فاتور|تذكر|بلاغ|مرجع|حجز|بوليص|عملي|سند|شكو|سفارش|رهگیری|رهگيري|پیگیری|پيگيري"
    r"|فاکتور|تیکت|مرسوله|بارنامه|تراکنش|سریال|ارجاع|رزرو|بلیط)[^\d\]\n]{0,32}$",
    re.IGNORECASE,
)
_PHONE_WORD = re.compile(
    r"(?:\b(?:phone|mobile|whatsapp|tel|cell|call me|contact me)\b|هاتف|جوال|تلفون|تليفون|موبايل|واتس|رقمي|تلفن|موبایل"
    r"|شماره (?:من|ام|تماس|همراه)|شماره‌ام|شمارم)[^\d\]\n]{0,16}$",
    re.IGNORECASE,
)
# Directly before a number: it is that, whatever was said of an order before.
_CALLED = re.compile(
    r"(?:(?:کد ?ملی|شماره ملی|كد ملي|الهوية|هويتي|هويه|الإقامة|الاقامة|إقامتي|اقامتي|القومي"
    r"|national id|emirates id|iqama)[^\d\]\n]{0,16}"
    r"|(?:\b(?:phone|mobile|whatsapp|tel)|هاتف|هاتفي|جوال|جوالي|تليفون|موبايل|واتساب|تلفن|موبایل)[\s:]{1,3})$",
    re.IGNORECASE,
)
# Dialled at home in Saudi Arabia and the Emirates, Iran, Egypt: no order number looks like these often enough.
_MOBILE = re.compile(r"(?:05|(?:00)?9665|(?:00)?9715)\d{8}|(?:0|(?:00)?98)9\d{9}|(?:0|(?:00)?20)1[0125]\d{8}")
_JOINING = ".,/:٫٬،"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_YEAR = r"(?:1[34]|19|20)\d\d"
_DATE = re.compile(rf"(?:{_DAY}[-\u2010-\u2015]){{2}}{_YEAR}|{_YEAR}(?:[-\u2010-\u2015]{_DAY}){{2}}")
_NOT_DIGIT = re.compile(r"\D")
_MONEY_BEFORE = re.compile(
    r"(?:[$€£¥﷼]|\b(?:usd|sar|aed|egp|irr|eur)|ريال|ریال|درهم|جنيه|تومان)\s{0,2}$", re.IGNORECASE
)
_MONEY_AFTER = re.compile(
    r"\s{0,2}(?:[$€£¥﷼%]|(?:usd|sar|aed|egp|irr|eur|dollars?)\b|ريال|ریال|تومان|تومن|درهم"
    r"|جنيه|دينار|ليرة|دولار|دلار|هزار|میلیون)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Masked:
    """A text with placeholders such as `[card]`, and the sorted kinds that were found."""

    text: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    kind: str


def mask(text: str) -> Masked:
    """Puts [card], [iban], [national_id], [phone] and [email] in place of what they name. Pure and idempotent."""
    if _ANY.search(text) is None:
        return Masked(text, ())
    kinds: set[str] = set()
    for _ in range(MAX_ROUNDS):
        before = text
        for finder in (_emails, _ibans, _numbers, _us_phones, _dotted_phones):
            spans = list(finder(text))
            if spans:
                kinds.update(span.kind for span in spans)
                text = _replace(text, spans)
        if text == before:
            break
    return Masked(text, tuple(sorted(kinds)))


def _replace(text: str, spans: list[_Span]) -> str:
    parts, at = [], 0
    for span in spans:
        parts += [text[at : span.start], f"[{span.kind}]"]
        at = span.end
    return "".join([*parts, text[at:]])


def _emails(text: str) -> Iterator[_Span]:
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield _Span(*match.span(), "email")


def _ibans(text: str) -> Iterator[_Span]:
    end = 0
    for match in _IBAN.finditer(text):
        length = IBAN_LENGTH.get(match[1].upper())
        if length is None or match.start() < end:
            continue
        value, after = _alphanumerics(text, match.start(), length)
        if is_iban(value) and not _ALNUM.match(text, after):
            end = after
            yield _Span(match.start(), end, "iban")


def _alphanumerics(text: str, start: int, count: int) -> tuple[str, int]:
    """The first `count` letters and digits from `start`, digits as ASCII, and where they end; gaps are passed over."""
    found: list[str] = []
    for at in range(start, min(len(text), start + 4 * count)):
        if _ALNUM.match(text[at]):
            found.append(_ascii(text[at]))
            if len(found) == count:
                return "".join(found), at + 1
        elif not _FILLER.match(text[at]):
            break
    return "".join(found), start


def _us_phones(text: str) -> Iterator[_Span]:
    for match in _US.finditer(text):
        if is_us_phone(_ascii(match[0])) and not _is_reference_or_money(text, *match.span()):
            yield _Span(*match.span(), "phone")


def _dotted_phones(text: str) -> Iterator[_Span]:
    for match in _DOTTED.finditer(text):
        digits, signed = _ascii(_NOT_DIGIT.sub("", match[0])), match[0][0] in "+＋"
        if is_phone(digits, international=signed) and not _excused(text, *match.span(), "phone"):
            yield _Span(*match.span(), "phone")


def _numbers(text: str) -> Iterator[_Span]:
    for run in _RUN.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, *run.span())]
        first = 0
        while first < len(groups):
            last, kind = _identify(text, groups, first, run.start())
            if kind:
                end = groups[last][1]
                start = _with_bracket(text, run.start() if first == 0 else groups[first][0], end)
                yield _Span(start, end, kind)
            first = last + 1


def _with_bracket(text: str, start: int, end: int) -> int:
    """Where a number starts so that it takes an opening bracket along exactly when it holds the closing one."""
    closes = ")" in text[start:end]
    if text[start] == "(":
        return start if closes else start + 1
    return start - 1 if closes and text[start - 1 : start] == "(" else start


def _identify(text: str, groups: list[tuple[int, int]], first: int, run_start: int) -> tuple[int, str]:
    """The last group and the kind of the longest number that begins with group `first`; the kind is "" for none."""
    start = run_start if first == 0 else groups[first][0]
    if len(groups) > first + 2 and _DATE.fullmatch(_ascii(text[start : groups[first + 2][1]])):
        return first + 2, ""
    digits, candidates = "", []
    for last in range(first, min(first + MAX_GROUPS, len(groups))):
        digits += text[slice(*groups[last])]
        if len(digits) > MAX_DIGITS:
            break
        if len(digits) >= MIN_DIGITS:
            candidates.append((last, digits))
    if candidates and text[start - 1 : start] != "#" and not _is_letter(text[start - 1 : start]):
        for last, found in reversed(candidates):
            end = groups[last][1]
            sizes = [stop - begin for begin, stop in groups[first : last + 1]]
            kind = _kind(_ascii(found), sizes, signed=text[start] in "+＋")
            if kind in ("", "national_id") and first == 0 and _is_called_phone(text, start, len(found)):
                kind = "phone"
            is_part = kind != "card" and not _is_mobile(text, start, end) and _is_part(text, start, end)
            if kind and not is_part and not _is_letter(text[end : end + 1]) and not _excused(text, start, end, kind):
                return last, kind
    return first, ""


def _kind(digits: str, sizes: list[int], *, signed: bool) -> str:
    """What digits written in groups of these sizes are, whatever stands around them."""
    if len(digits) == 24 and is_iban(f"IR{digits}"):
        return "iban"
    if min(sizes) >= 3 and is_card(digits):
        return "card"
    if (len(sizes) == 1 or sizes in GROUPED_IDS) and is_national_id(digits):
        return "national_id"
    if len(digits) > 15 or (not signed and len(sizes) > 1 and min(sizes[1:]) < 2 and sizes not in GROUPED_IDS):
        return ""
    return "phone" if is_phone(digits, international=signed) else ""


def _excused(text: str, start: int, end: int, kind: str) -> bool:
    """Whether the words around a number say that it is an order or an amount, and its digits do not say otherwise."""
    if kind in ("card", "iban") or text[start] in "+＋" or _is_mobile(text, start, end):
        return False
    if _CALLED.search(text, *_before(start)):
        return False
    return _is_reference_or_money(text, start, end)


def _is_mobile(text: str, start: int, end: int) -> bool:
    return _MOBILE.fullmatch(_ascii(_NOT_DIGIT.sub("", text[start:end]))) is not None


def _is_called_phone(text: str, start: int, digits: int) -> bool:
    return digits <= 12 and _PHONE_WORD.search(text, *_before(start)) is not None


def _before(start: int) -> tuple[int, int]:
    return max(0, start - MAX_CONTEXT), start


def _is_reference_or_money(text: str, start: int, end: int) -> bool:
    before = text[slice(*_before(start))]
    return bool(
        _REFERENCE.search(before)
        or _MONEY_BEFORE.search(before)
        or _MONEY_AFTER.match(text, end)
        or any("://" in word or "www." in word for word in before.split()[-1:] if not before[-1:].isspace())
    )


def _is_letter(beside: str) -> bool:
    """Whether a number goes on there: a Latin letter or "_" stands beside it."""
    return beside == "_" or (beside.isascii() and beside.isalnum())


def _is_part(text: str, start: int, end: int) -> bool:
    """Whether a decimal, date or clock mark joins a number to another."""
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    return (len(before) == 2 and before[1] in _JOINING and before[0].isdecimal()) or (
        len(after) == 2 and after[0] in _JOINING and after[1].isdecimal()
    )


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(char)) if char.isdecimal() else char for char in text)
