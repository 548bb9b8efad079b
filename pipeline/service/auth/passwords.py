"""Passwords: argon2id with the parameters that its library recommends (RFC 9106, low memory)."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pipeline.errors import UsageError

SHORTEST, LONGEST = 12, 1_000  # characters


def hashed(password: str) -> str:
    """Raises UsageError for a password that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(f"the password has {len(password):,} characters, expected {SHORTEST} to {LONGEST:,}")
    return _hasher().hash(password)


def matches(kept: str | None, password: str) -> bool:
    """None is the hash of nobody: it takes as long as a wrong password, so that names cannot be tried out."""
    try:
        return len(password) <= LONGEST and _hasher().verify(kept or _nobody(), password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether it was hashed with weaker parameters than those of today."""
    return _hasher().check_needs_rehash(kept)


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    return _hasher().hash("nobody logs in with this")
