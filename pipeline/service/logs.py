"""The log: one line an event on stderr, as JSON or for people; no message text, no customer's id, no exception's words.

What an exception says may quote a customer, so the log gets its type and its places in the code alone.
"""

from __future__ import annotations

import logging
import traceback
from types import TracebackType
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from pipeline.errors import UsageError

FORMATS = ("json", "text")
TALKATIVE = ("httpx", "httpx2", "httpcore", "httpcore2", "alembic", "uvicorn.access")  # they log addresses
FIELDS = {"asctime": "time", "levelname": "level", "name": "logger"}
_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure(form: str) -> None:
    """Sends the log of the process to stderr. Raises UsageError for an unknown format."""
    if form not in FORMATS:
        raise UsageError(f"log_format is {form!r}, expected one of {', '.join(FORMATS)}")
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if form == "json" else _Text("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def places(error: BaseException) -> str:
    """The type of an exception and where it came from."""
    return type(error).__name__ + "\n" + "".join(traceback.format_tb(error.__traceback__))


class _Json(JsonFormatter):
    def __init__(self) -> None:
        names = " ".join(f"%({name})s" for name in FIELDS)
        unsaid = [*RESERVED_ATTRS, "color_message"]  # what uvicorn says once more, for a terminal
        super().__init__(f"{names} %(message)s", rename_fields=FIELDS, json_ensure_ascii=False, reserved_attrs=unsaid)

    def formatException(self, ei: _Raised) -> str:
        return places(ei[1]) if ei[1] else ""


class _Text(logging.Formatter):
    def formatException(self, ei: Any) -> str:
        return places(ei[1]) if ei[1] else ""
