"""What is said when the service's libraries are missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import UsageError


@contextmanager
def serving() -> Iterator[None]:
    """Around imports that need the `serve` extra. Raises UsageError where it is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(f"this needs {error.name}, which is not installed: pip install 'nabd[serve]'") from None
