"""What the tests of the service name alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import FastAPI

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HERE = "http://localhost"
MakeApp = Callable[..., FastAPI]
Headers = Callable[..., dict[str, str]]
