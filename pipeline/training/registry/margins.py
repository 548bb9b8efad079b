"""What the gates of a promotion allow: the `[gates]` table of nabd.toml."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.settings import read_file, settings_file

TABLE = "gates"
RATIOS = ("speed", "size")


def _margin(default: Any, help_line: str) -> Any:
    return field(default=default, metadata={"help": help_line})


@dataclass(frozen=True, slots=True)
class Margins:
    """Every margin with its help line; the order is that of the settings file."""

    confidence: float = _margin(0.95, "of every statement on chance, one-sided")
    quality: float = _margin(0.03, "macro-F1 of a task: how much of it may surely be lost, at most")
    language: float = _margin(0.03, "accuracy within a language: a greater loss that is no chance is refused")
    language_rows: int = _margin(30, "messages from which on a language is judged")
    topic: float = _margin(0.1, "accuracy within a topic: a greater loss that is no chance is refused")
    topic_rows: int = _margin(20, "messages from which on a topic is judged")
    parity: float = _margin(
        0.02, "the gap between the best and the worst language: a greater widening that is no chance is refused"
    )
    calibration: float = _margin(0.03, "calibration error beyond that which chance gives a calibrated model, at most")
    behaviour: float = _margin(
        0.1, "share of a behavioural check's cases that may be lost to the champion once below its floor"
    )
    speed: float = _margin(1.25, "time for the same messages, as a multiple of the champion's, at most")
    size: float = _margin(1.25, "bytes of the model and its encoder, as a multiple of the champion's, at most")
    judged: int = _margin(30, "changed messages judged by a person from which on the replay decides, too")


NAMES = tuple(entry.name for entry in fields(Margins))


def load_margins(path: Path | None = None, *, environment: Mapping[str, str] = os.environ) -> Margins:
    """Of the settings file that `load_settings` would read. Raises UsageError for what cannot be used."""
    path = settings_file(path, environment)
    content, _ = read_file(path)
    return parse_margins(content.get(TABLE, {}), path.name)


def parse_margins(table: Any, source: str) -> Margins:
    """What the `[gates]` table of the file called `source` leaves out keeps its default.

    Raises UsageError for an unknown key, a value of another type or out of its range.
    """
    if not isinstance(table, Mapping):
        raise UsageError(f"{source}: {TABLE} must be a table written as [{TABLE}], found {type(table).__name__}")
    kinds = {entry.name: type(entry.default) for entry in fields(Margins)}
    given = {}
    for key, value in table.items():
        if key not in NAMES:
            raise UsageError(f"{source}: unknown key {key!r} in [{TABLE}], expected one of {', '.join(NAMES)}")
        given[key] = _number(key, value, kinds[key], f"{source}, [{TABLE}]: {key}")
    return Margins(**given)


def _number(key: str, value: Any, kind: type, where: str) -> Any:
    allowed = (int,) if kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, allowed):
        raise UsageError(f"{where} must be a {'whole ' if kind is int else ''}number, found {value!r}")
    low, high = (1, 1_000_000) if kind is int else (0.5, 0.999) if key == "confidence" else (0, 1)
    low, high = (0.01, 1_000) if key in RATIOS else (low, high)
    if not low <= value <= high:
        raise UsageError(f"{where} is {value}, expected a number from {low:g} to {high:,g}")
    return kind(value)
