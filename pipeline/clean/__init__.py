"""E-mail, chat and HTML reduced to the words the customer wrote.

Whatever is in doubt is kept: a quoted chain goes only with its header, a signature only when every line of it looks
like one, and a cut that would leave nothing is not made.
"""

from __future__ import annotations

import re

from pipeline.clean.markup import is_markup, markup_to_text

MAX_PASSES = 8
# Only entities that end in ";": "?a=1&copy=2" in an address is no copyright sign.
_ENTITY = re.compile(
    r"&(?:(?:amp|#0{0,6}38|#x0{0,6}26);)*(#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE | re.ASCII
)
_NEWLINES = ("\n", "\r", "\u2028", "\u2029", "\x85", "\x0b", "\x0c")


def clean(text: str) -> str:
    """What the customer wrote, without markup, quoted mail, signatures and stray blanks. Never raises.

    Cleaning is repeated until nothing changes, so that it is idempotent; a text that does not come to rest
    within `MAX_PASSES` (entities nested ever deeper) is returned as it came.
    """
    before = text
    for _ in range(MAX_PASSES):
        after = _clean_once(before)
        if after == before:
            return after
        before = after
    return text


def _clean_once(text: str) -> str:
    markup = "<" in text and is_markup(text)
    if markup:
        text = markup_to_text(text)
    if "&" in text and ";" in text:
        text = _ENTITY.sub(_decode, text)
    if not markup and not any(mark in text for mark in _NEWLINES):
        return " ".join(text.split())
    return _without_blank_runs(_mail([" ".join(line.split()) for line in text.splitlines()]))


def _mail(lines: list[str]) -> list[str]:
    # Imported here: their patterns take longer to compile than a thousand short messages to clean.
    from pipeline.clean.quotes import own_lines
    from pipeline.clean.signatures import unsigned_lines

    return unsigned_lines(own_lines(lines))


def _decode(match: re.Match[str]) -> str:
    import html

    return html.unescape(f"&{match[1]};")


def _without_blank_runs(lines: list[str]) -> str:
    kept = [line for number, line in enumerate(lines) if line or (number and lines[number - 1])]
    return "\n".join(kept).strip("\n")
