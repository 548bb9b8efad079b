"""Where the next page begins, as an opaque word: base64 of the sort keys of the last row that was sent."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pipeline.service.problems import Refusal

LONGEST = 2_000
LARGEST = 1 << 63  # of a number


def encode(keys: Mapping[str, str | int | float | None]) -> str:
    """The cursor that stands after the row with these sort keys."""
    plain = json.dumps(dict(keys), separators=(",", ":")).encode()
    return urlsafe_b64encode(plain).rstrip(b"=").decode()


def decode(cursor: str) -> dict[str, Any]:
    """The sort keys of `encode`, each text, a finite number or None. A cursor that is none is a Refusal, 400."""
    try:
        if len(cursor) > LONGEST:
            raise ValueError
        plain = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        keys = json.loads(plain, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise _unreadable() from None
    if not isinstance(keys, dict) or not all(_simple(value) for value in keys.values()):
        raise _unreadable()
    return keys


def _simple(value: Any) -> bool:
    """What a database can compare with."""
    if isinstance(value, str):
        return not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value)
    return value is None or (isinstance(value, int | float) and abs(value) < LARGEST)


def _no_number(name: str) -> float:
    raise ValueError(name)


def _unreadable() -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, "the cursor is not one of ours; leave it out to start from the first page")
