"""What waits for the encoder: requests with their rows, taken in turn by the batch."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

Work = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(eq=False, slots=True)
class Request:
    """Rows that belong together and what to do with them; `taken` of them are in a batch or through one."""

    work: Work
    rows: Sequence[Any]
    future: asyncio.Future[list[Any]] | Future[list[Any]]
    loop: asyncio.AbstractEventLoop | None = None  # None: a thread waits
    results: list[Any] = field(default_factory=list)
    taken: int = 0
    error: Exception | None = None

    @property
    def is_settled(self) -> bool:
        return self.error is not None or len(self.results) == len(self.rows)


@dataclass(slots=True)
class Lane:
    """Requests in turn; `waiting` counts their rows that are in no batch yet."""

    turns: deque[Request] = field(default_factory=deque)
    waiting: int = 0

    def add(self, request: Request) -> None:
        self.turns.append(request)
        self.waiting += len(request.rows)

    def take(self, room: int) -> list[tuple[Request, Sequence[Any]]]:
        """Up to `room` rows of requests with the same work, from the first in turn on."""
        taken: list[tuple[Request, Sequence[Any]]] = []
        while self.turns and room and (not taken or self.turns[0].work == taken[0][0].work):
            request = self.turns.popleft()
            rows = request.rows[request.taken : request.taken + room]
            request.taken += len(rows)
            room -= len(rows)
            taken.append((request, rows))
            if request.taken < len(request.rows):
                self.turns.append(request)
        self.waiting -= sum(len(rows) for _, rows in taken)
        return taken

    def drop(self, request: Request) -> None:
        if request in self.turns:
            self.turns.remove(request)
            self.waiting -= len(request.rows) - request.taken
