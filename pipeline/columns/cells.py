"""A cell of any kind of file as text."""

from __future__ import annotations

from typing import Any


def as_text(value: Any) -> str:
    """Without blanks around it, "" where there is nothing; a spreadsheet's customer 17.0 is 17."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()
