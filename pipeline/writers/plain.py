"""Values as the text that a format without their type can hold."""

from __future__ import annotations

import base64
import json
import math
import re
from datetime import date, datetime, time
from functools import cache
from typing import Any


def as_text(value: Any) -> str:
    """None is empty, a truth value `true` or `false`, a time ISO 8601, a list or object JSON."""
    if isinstance(value, str):
        return without_surrogates(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict | list | tuple):
        return without_surrogates(as_json(value))
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return str(value)


def as_json(value: Any) -> str:
    """Valid JSON on one line: what is no number becomes null, bytes Base64, anything else unknown its text."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=as_text)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, default=as_text)
    return json.dumps(json.loads(text)) if _surrogates().search(text) else text


def without_surrogates(text: str) -> str:
    """Half characters, which no UTF-8 file can hold, become U+FFFD."""
    return _surrogates().sub("\ufffd", text)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


@cache
def _surrogates() -> re.Pattern[str]:
    return re.compile("[\ud800-\udfff]")
