"""Keys are looked up in the store at most once in `LIFE` seconds: one that is revoked works no longer than that.

A crowd that asks when a lookup has grown old shares the next one: else each of them would go to the store at once.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from time import monotonic
from typing import Any

from anyio import to_thread

from pipeline.errors import StoreError
from pipeline.service.auth import keys
from pipeline.service.auth.access import Actor
from pipeline.service.store.engine import Store

LIFE = 5.0
MOST = 10_000  # keys that are remembered
ANY = b""  # stands for the question whether there is a key


class Keyring:
    """The keys of a store; without a store there are none."""

    def __init__(self, store: Store | None, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock
        self._known: dict[bytes, tuple[float, Actor]] = {}
        self._any = (0.0, store is None)
        self._under_way: dict[bytes, asyncio.Task[Any]] = {}

    def remembered(self, token: str) -> Actor | None:
        """Whose key this is, if it was looked up a moment ago."""
        until, actor = self._known.get(_mark(token), (0.0, None))
        return actor if monotonic() < until else None

    async def actor(self, token: str) -> Actor | None:
        """Whose key this is; None for one that is unknown, expired or revoked."""
        if self._store is None:
            return None
        found: Actor | None = await self._shared(_mark(token), self._look_up, token)
        return found

    async def is_empty(self) -> bool:
        """Whether no key was ever made, so that a service for this machine alone may be used without one."""
        until, empty = self._any
        if self._store is None or monotonic() < until:
            return empty
        return bool(await self._shared(ANY, self._is_empty))

    async def _shared(self, mark: bytes, look: Callable[..., Any], *asked: str) -> Any:
        """What `look` finds in the store, in a thread, once for all who ask for the same while it looks."""
        if (task := self._under_way.get(mark)) is None:
            task = self._under_way[mark] = asyncio.create_task(to_thread.run_sync(look, *asked))
            task.add_done_callback(lambda _: self._under_way.pop(mark))
        return await asyncio.shield(task)

    def _look_up(self, token: str) -> Actor | None:
        assert self._store  # nosec B101 # for the types: its caller looked
        with self._store.read() as session:
            actor = keys.check(session, token, self._clock())
            is_due = actor is not None and keys.is_use_due(session, actor, self._clock())
        if actor is not None:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[_mark(token)] = (monotonic() + LIFE, actor)
            if is_due:
                with suppress(StoreError), self._store.begin() as session:
                    keys.used(session, actor, self._clock())
        return actor

    def _is_empty(self) -> bool:
        assert self._store  # nosec B101 # for the types: its caller looked
        with self._store.read() as session:
            empty = not keys.any_key(session)
        self._any = (monotonic() + LIFE, empty)
        return empty


def _mark(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
