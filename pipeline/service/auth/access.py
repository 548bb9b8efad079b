"""Who asks, and what they may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.errors import UsageError
from pipeline.script import is_printable

SCORE, READ, WRITE, ADMIN = "score", "read", "write", "admin"
SCOPES = {
    SCORE: "score messages",
    READ: "read customers, messages, jobs and what to review",
    WRITE: "post feedback, run jobs, receive webhooks",
    ADMIN: "everything, erasure and keys included",
}


@dataclass(frozen=True, slots=True)
class Actor:
    """A key or a user; `id` goes into the audit log, such as `key:3f9a...` or `user:lina`."""

    id: str
    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """An admin may do everything."""
        return scope in self.scopes or ADMIN in self.scopes


def checked_scopes(given: Iterable[str]) -> list[str]:
    """Each once, in the order of `SCOPES`. Raises UsageError for an unknown one, or none."""
    wanted = set(given)
    unknown = sorted(wanted - SCOPES.keys())
    if unknown or not wanted:
        found = f"{unknown[0]!r} is no scope" if unknown else "no scope is given"
        raise UsageError(f"{found}, expected some of {', '.join(SCOPES)}")
    return [scope for scope in SCOPES if scope in wanted]


def checked_name(name: str) -> str:
    """A name for people. Raises UsageError for one that is empty, too long, or holds control characters."""
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= 100 or not is_printable(trimmed):
        raise UsageError("a name must have 1 to 100 characters, none of them a control character")
    return trimmed
