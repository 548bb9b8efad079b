"""Quoted and forwarded mail: which lines of a message its sender wrote.

Knows how Gmail, Outlook, Apple Mail, Yahoo, Thunderbird and phones announce an older message in English, Arabic and
Persian. Reply-parsing libraries were measured first: none knows Arabic or Persian, mail-parser-reply cuts lists and
any sentence that begins with "Thanks," and needs more than quadratic time, quotequail drops answers between quotes.
"""

from __future__ import annotations

import re
from enum import Enum

from pipeline.clean.folding import fold

MAX_LINE = 400  # characters; an announcement is never longer
MAX_WRAP = 3  # lines that one attribution may be wrapped over
HEADER_WINDOW = 9  # lines that a header block may take, blanks included

_QUOTED = re.compile(r"(?:>\s?)+(?![\s:;=_.<(\-^)|3\d٠-٩۰-۹])|>+\s*$")
_QUOTE_MARK = re.compile(r"(?:>\s?)+")
_MARKER = re.compile(
    r"(?:-{2,}|_{2,}|={2,}|—+)\s*(?:original message|original appointment|forwarded message|forwarded by.{0,80}"
    r"|reply message|الرساله الاصلیه|رساله اصلیه|النص الاصلی|رساله معاد توجیهها|الرساله المعاد توجیهها|رساله محوله"
    r"|الرساله المحوله|رساله اعاده توجیه|پیام اصلی|ایمیل اصلی|متن اصلی|پیام فوروارد شده|پیام هدایت شده"
    r"|پیام ارسال شده|پیام بازارسال شده|نامه هدایت شده)\s*(?:-{2,}|_{2,}|={2,}|—+)"
    r"|begin forwarded message\s*:|بدایه الرساله المعاد توجیهها\s*:|(?:شروع|اغاز) پیام (?:هدایت شده|فوروارد شده)\s*:"
)
_RULE = re.compile(r"[_\-]{10,}")
_FROM = re.compile(r"(?:from|من|المرسل|از|فرستنده)\s*:\s*\S")
_HEADER = re.compile(
    r"(?:(?P<from>from|من|المرسل|از|فرستنده)|(?P<sent>sent|تاریخ الارسال|تم الارسال|ارسلت|ارسال شده(?: در)?|زمان ارسال)"
    r"|(?P<date>date|التاریخ|تاریخ)|(?P<to>to|الی|المستلم|به|گیرنده)"
    r"|(?P<copy>cc|bcc|نسخه(?: الی)?|نسخه مخفیه|رونوشت|reply-to|importance|attachments|المرفقات|پیوست ها)"
    r"|(?P<subject>subject|الموضوع|موضوع|عنوان))\s*:"
)
_WROTE = re.compile(
    r"(?:\bon\b.{4,}\bwrote|.{4,}>\s*(?:wrote|writes)"
    r"|.*(?:\bکتب|\bکتبت|\bکتبوا|تمت کتابه ما یلی بواسطه)(?:\s.{0,200})?"
    r"|.{4,}(?:نوشت|نوشته است|نوشته اند|نوشتند|نوشته))\s*:\s*"
    r"|(?:\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{1,2}[-/]\d{1,2}[-/]\d{4}).{3,120}<\S+@\S+>\s*:?\s*"
)
_STARTER = re.compile(r"(?:on|فی|وفی|بتاریخ|یوم|در|کتب|تمت)\b|\d{1,4}[-/]")
_PERSON = re.compile(
    r"\b(?:i|my|me|your|you|we|us|he|she|لی|لنا|موظفکم|موظفتکم|وکیلکم|شما|من|ما|بهم|برام|برایم|به ما)\b"
)
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_CLOCK = re.compile(r"\d\s?[:٫.]\s?\d\d")


class _Kind(Enum):
    PLAIN = 0
    MARKER = 1  # says that an older message begins
    ATTRIBUTION = 2  # names who wrote what follows, and when
    HEADERS = 3  # From, Sent, To, Subject


def own_lines(lines: list[str]) -> list[str]:
    """The lines that the sender wrote; of a message with nothing of its own, the lines it passes on."""
    quoted = _quoted(lines)
    kept: list[str] = []
    number = 0
    while number < len(lines):
        kind, after = (_Kind.PLAIN, number + 1) if quoted[number] else _announcement(lines, number)
        introduces = kind is not _Kind.PLAIN and _first_written(lines, after)[:1] == ">"
        if kind is _Kind.PLAIN or (kind is _Kind.ATTRIBUTION and not introduces and not _dated(lines[number:after])):
            kept.extend([] if quoted[number] else lines[number:after])
        elif not introduces:
            return kept if any(kept) else _unquoted(lines[after:])
        number = after
    return kept if any(kept) else _unquoted(lines)


def _quoted(lines: list[str]) -> list[bool]:
    """Which lines begin with a quotation mark; ">:(" and "> 5 days" count only beside surer ones."""
    sure = [line[:1] == ">" and _QUOTED.match(line) is not None for line in lines]
    quoted = list(sure)
    for number, line in enumerate(lines):
        if line[:1] == ">" and not sure[number]:
            quoted[number] = any(quoted[max(number - 1, 0) : number + 2])
    return quoted


def _unquoted(lines: list[str]) -> list[str]:
    return [_QUOTE_MARK.sub("", line, count=1) if line[:1] == ">" and _QUOTED.match(line) else line for line in lines]


def _first_written(lines: list[str], start: int) -> str:
    return next((line for line in lines[start : start + 4] if line), "")


def _announcement(lines: list[str], number: int) -> tuple[_Kind, int]:
    """What kind of line stands here, and the number of the line after all that belongs to it."""
    line = lines[number]
    if not 0 < len(line) <= MAX_LINE or not _may_announce(lines, number):
        return _Kind.PLAIN, number + 1
    folded = fold(line)
    if _MARKER.fullmatch(folded):
        return _Kind.MARKER, _after_headers(lines, number + 1)[0]
    if _FROM.match(folded) or (_RULE.fullmatch(line) and _FROM.match(fold(_first_written(lines, number + 1)))):
        start = number + (_RULE.fullmatch(line) is not None)
        after, kinds = _after_headers(lines, start)
        addressed = any("@" in header for header in lines[start:after])
        if len(kinds) >= 3 and (addressed or kinds & {"subject", "sent"}):
            return _Kind.HEADERS, after
    return _attribution(lines, number, folded)


def _may_announce(lines: list[str], number: int) -> bool:
    """A cheap look before folding: rulers, or a colon or bracket on this line or those it may be wrapped over."""
    return lines[number][0] in "-_=—*" or any(
        ":" in line or ">" in line[-3:] for line in lines[number : number + MAX_WRAP]
    )


def _after_headers(lines: list[str], start: int) -> tuple[int, set[str]]:
    after, kinds = start, set()
    for number, line in enumerate(lines[start : start + HEADER_WINDOW], start):
        header = _HEADER.match(fold(line[:MAX_LINE]))
        if header:
            kinds.add(header.lastgroup or "")
            after = number + 1
        elif line and number > after:  # one wrapped line may stand between two headers
            break
    return after, kinds


def _attribution(lines: list[str], number: int, folded: str) -> tuple[_Kind, int]:
    joined = folded
    for after in range(number + 1, number + 1 + MAX_WRAP):
        if joined[-1:] in (":", ">") and _WROTE.fullmatch(joined):
            wrapped = after > number + 1
            return (_Kind.PLAIN, number + 1) if wrapped and not _dated([joined]) else (_Kind.ATTRIBUTION, after)
        if after >= len(lines) or not lines[after] or len(joined) > MAX_LINE or not _STARTER.match(folded):
            break
        joined = f"{joined} {fold(lines[after][:MAX_LINE])}"
    return _Kind.PLAIN, number + 1


def _dated(lines: list[str]) -> bool:
    """Whether an attribution is a machine's: with an address, or a year and a clock time and no "I" or "your"."""
    text = fold(" ".join(lines))
    return "@" in text or bool(_YEAR.search(text) and _CLOCK.search(text) and not _PERSON.search(text))
