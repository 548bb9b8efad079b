"""What waits for the model: requests with their rows, taken in turn by the batch."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Outcome = Sequence[Any] | Exception  # one result a row, or why there are none
Done = Callable[[Outcome], None]
Function = Callable[[Sequence[Any]], Sequence[Any]]


class Remote(ABC):
    """Work that is done elsewhere; two that are equal may share a batch."""

    @abstractmethod
    def begin(self, rows: Sequence[Any], done: Done) -> None:
        """Returns at once; `done` hears the outcome, from any thread."""


Work = Function | Remote  # a function may take its time: it has a thread


@dataclass(eq=False, slots=True)
class Request:
    """Rows that belong together and what to do with them; `taken` of them are in a batch or through one."""

    work: Work
    rows: Sequence[Any]
    future: asyncio.Future[list[Any]] | Future[list[Any]]
    loop: asyncio.AbstractEventLoop | None = None  # None: a thread waits
    results: list[Any] = field(default_factory=list)
    taken: int = 0
    left: int = 0
    error: Exception | None = None

    def __post_init__(self) -> None:
        self.results, self.left = [None] * len(self.rows), len(self.rows)

    @property
    def is_settled(self) -> bool:
        return self.error is not None or not self.left


class Part(NamedTuple):
    """The rows of a request that are in one batch."""

    request: Request
    start: int
    rows: Sequence[Any]

    def fill(self, results: Sequence[Any]) -> None:
        self.request.results[self.start : self.start + len(self.rows)] = results
        self.request.left -= len(self.rows)


@dataclass(slots=True)
class Lane:
    """Requests in turn; `waiting` counts their rows that are in no batch yet."""

    turns: deque[Request] = field(default_factory=deque)
    waiting: int = 0

    def add(self, request: Request) -> None:
        self.turns.append(request)
        self.waiting += len(request.rows)

    def take(self, room: int) -> list[Part]:
        """Up to `room` rows of requests with the same work, from the first in turn on."""
        taken: list[Part] = []
        while self.turns and room and (not taken or self.turns[0].work == taken[0].request.work):
            request = self.turns.popleft()
            part = Part(request, request.taken, request.rows[request.taken : request.taken + room])
            request.taken += len(part.rows)
            room -= len(part.rows)
            taken.append(part)
            if request.taken < len(request.rows):
                self.turns.append(request)
        self.waiting -= sum(len(part.rows) for part in taken)
        return taken

    def drop(self, request: Request) -> None:
        if request in self.turns:
            self.turns.remove(request)
            self.waiting -= len(request.rows) - request.taken


def running() -> asyncio.AbstractEventLoop | None:
    """The event loop of this thread, None where there is none."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
