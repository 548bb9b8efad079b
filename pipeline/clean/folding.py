"""One spelling of a line for matching only: what comes out is never shown."""

from __future__ import annotations

from functools import lru_cache

_INVISIBLE = "\u200b\u200d\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u0640"
_TABLE = str.maketrans(
    {
        **dict.fromkeys(map(ord, _INVISIBLE)),
        **dict.fromkeys(range(0x064B, 0x0653)),
        **dict(zip(map(ord, "أإآٱيىكةۀ"), "ااااییکهه", strict=True)),
        **{0x200C: " ", 0xA0: " ", 0x202F: " "},
    }
)
_ENDS = "*_" + "".join(filter(str.isspace, map(chr, range(0x3001))))


@lru_cache(maxsize=64)  # quotes, devices, disclaimers and closings are looked for in the same lines
def fold(line: str) -> str:
    """Lower case, one form of alef, yeh, kaf and teh marbuta, no diacritics, direction marks or asterisks around it."""
    return line.translate(_TABLE).lower().strip(_ENDS)
