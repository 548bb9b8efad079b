"""Cells of a CSV file that a spreadsheet would run."""

from __future__ import annotations

import re
from functools import cache

# OWASP "CSV Injection", and the full-width forms that spreadsheets fold to the plain signs.
_EQUALS = "=\uff1d"
_SIGNS = "+-@\uff0b\uff0d\uff20"


def guard(text: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet would run it as a formula.

    A leading `=` is always run. What follows `+`, `-` or `@` is run when it reads as operands and operators up to a
    function call, a cell reference or a DDE link, so phone numbers, handles and dashes stay as they are.
    """
    bare = text.lstrip()
    if bare and (bare[0] in _EQUALS or (bare[0] in _SIGNS and _is_formula(bare[1:]))):
        return f"'{text}"
    return text


def _is_formula(text: str) -> bool:
    opening, live, operand, operator = _grammar()
    place = 0
    while True:
        place = opening.match(text, place).end()  # type: ignore[union-attr]
        if live.match(text, place):
            return True
        found = operand.match(text, place)
        joint = operator.match(text, found.end()) if found else None
        if joint is None:
            return False
        place = joint.end()


@cache
def _grammar() -> tuple[re.Pattern[str], ...]:
    """What may stand before an operand, what makes a formula live, a plain operand, an operator after one."""
    name = r"[^\W\d][\w.]*+"
    cell = r"\$?[A-Za-z]{1,3}\$?\d{1,7}(?![\w.])(?=\s*(?:$|[-+*/^&=<>:)%]))"
    call, dde, sheet = r"[A-Za-z_][\w.]*+\(", rf"(?:{name}|'[^']*')\|[^!]*!", rf"(?:\[[^\]]*\])?(?:{name}|'[^']*')!"
    number = r"\d[\d.,]*%?"
    return (
        re.compile(r"[\s(@+\-\uff0b\uff0d\uff20]*"),
        re.compile("|".join((call, dde, sheet, cell))),
        re.compile("|".join((number, '"[^"]*"', r"\{[^}]*\}", name))),
        re.compile(r"\s*[-+*/^&=<>,;:)%@]"),
    )
