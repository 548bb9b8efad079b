"""How often each key may ask: a sliding window in memory, told in the headers of every answer.

The headers are those of draft-ietf-httpapi-ratelimit-headers: what is allowed, what is left and until when.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from math import ceil

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from pipeline.errors import UsageError
from pipeline.service.problems import Refusal


class Limit:
    """`rate` as in "600/minute". Each process counts for itself."""

    def __init__(self, rate: str, name: str) -> None:
        try:
            self._rate = parse(rate)
        except ValueError:
            raise UsageError(f"{name} is {rate!r}, expected such as 600/minute or 10/second") from None
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._policy = f'"{name}";q={self._rate.amount};w={self._rate.get_expiry()}'
        self._name = name

    def count(self, who: str) -> dict[str, str]:
        """Counts one request of `who`; the headers for its answer. Raises Refusal (429) over the limit."""
        allowed = self._limiter.hit(self._rate, who)
        return self._told(who, allowed=allowed)

    def check(self, who: str) -> None:
        """Raises Refusal (429) when `who` has none left; counts nothing."""
        if not self._limiter.test(self._rate, who):
            self._told(who, allowed=False)

    def _told(self, who: str, *, allowed: bool) -> dict[str, str]:
        reset, left = self._limiter.get_window_stats(self._rate, who)
        seconds = max(1, ceil(reset - time.time()))
        told = {"RateLimit-Policy": self._policy, "RateLimit": f'"{self._name}";r={left};t={seconds}'}
        if not allowed:
            detail = f"over {self._rate} for this caller; ask again after the seconds that Retry-After names"
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, detail, headers={**told, "Retry-After": str(seconds)})
        return told
