"""Micro-batching: requests that wait at the same time share one pass through the encoder, on one thread.

Requests take turns by batch, so that a long one delays the others by one batch at most. Jobs wait in a lane of their
own: they get the batches that no request wants, and one in `PATIENCE` of the others, so that neither starves.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from http import HTTPStatus
from math import ceil
from time import perf_counter
from typing import Any

from pipeline.service.lanes import Lane, Request, Work

PATIENCE = 8  # batches of requests that a waiting job lets pass
QUICK = 0.001  # seconds a row: so quick a model is better kept busy, while requests are read, than given large batches
QUIET = 3  # rounds of an event loop in which nothing came: it has read all that is there
SLOWEST = 60  # seconds: what is said at most of when to try again


class Refused(Exception):
    """A request that was not answered; the same may be asked again in `seconds`."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    detail = "the service is stopping; ask again"

    def __init__(self, seconds: int = 1) -> None:
        super().__init__(self.detail)
        self.seconds = seconds


class Full(Refused):
    """As many rows wait as may wait."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    detail = "too many messages are waiting; ask again after the seconds that Retry-After names"


class Late(Refused):
    """The answer took longer than the deadline."""

    detail = "the answer took longer than the deadline, so it was given up; send fewer messages at once or ask again"


class Batches:
    """The queue and its thread. `size` rows a batch at most, half as many of a model that takes less than `quick`
    seconds a row; `wait` seconds at most for a batch to fill; `room` rows of requests may wait. `on_batch` hears the
    rows of a batch and the seconds it took.

    A batch begins when it is full, or when the event loop has read all that has come: someone who asks alone is
    answered at once, and a crowd is not answered one by one while it is still being read.
    """

    def __init__(
        self, *, size: int, wait: float, room: int, quick: float = 0.0,
        on_batch: Callable[[int, float], None] = lambda rows, seconds: None,
    ) -> None:  # fmt: skip
        self.size, self.wait, self.room, self.quick, self.on_batch = size, wait, room, quick, on_batch
        self.requests, self.jobs = Lane(), Lane()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._ready = self._busy = False
        self._watcher: asyncio.AbstractEventLoop | None = None
        self._passed = 0  # batches of requests since one of jobs
        self._pace = 0.0  # seconds a row, of late

    async def ask(self, work: Work, rows: Sequence[Any], *, seconds: float) -> list[Any]:
        """`work(rows)`, its rows among others' rows. Raises Full, Late, Refused, and what `work` raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Any]] = loop.create_future()
        request = Request(work, rows, future, loop)
        if not rows:
            return []
        self._enter(request, self.requests)
        self._watch(loop)
        deadline = loop.call_later(seconds, self._give_up, future)
        try:
            return await future
        finally:
            deadline.cancel()
            self._leave(request, self.requests)

    def ask_here(self, work: Work, rows: Sequence[Any], *, as_job: bool) -> list[Any]:
        """The same for a thread, without a deadline. Jobs are never told that the queue is full."""
        future: Future[list[Any]] = Future()
        if rows:
            self._enter(Request(work, rows, future), self.jobs if as_job else self.requests)
        return future.result() if rows else []

    @property
    def seconds_to_wait(self) -> int:
        """How long the rows that wait will take, in whole seconds from 1 to `SLOWEST`."""
        return min(max(1, ceil(self.requests.waiting * self._pace)), SLOWEST)

    def open(self) -> None:
        """Takes requests again after `close`."""
        with self._changed:
            self._closing = False

    def close(self, *, seconds: float) -> None:
        """Refuses what comes from now on and what jobs have waiting; answers the requests that wait, or gives up."""
        with self._changed:
            self._closing = True
            dropped = [*self.jobs.turns]
            self.jobs = Lane()
            self._changed.notify_all()
        self._settle(dropped, Refused())
        if self._thread:
            self._thread.join(seconds)
        with self._changed:
            dropped = [*self.requests.turns]
            self.requests = Lane()
        self._settle(dropped, Refused())

    def _enter(self, request: Request, lane: Lane) -> None:
        with self._changed:
            if self._closing:
                raise Refused
            if lane is self.requests and lane.waiting and lane.waiting + len(request.rows) > self.room:
                raise Full(self.seconds_to_wait)
            lane.add(request)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
                self._thread.start()
            if request.loop is None:  # a thread waits: it has read all that it asks
                self._ready = True
            if self._may_begin():
                self._changed.notify_all()

    def _give_up(self, future: asyncio.Future[list[Any]]) -> None:
        if not future.done():
            future.set_exception(Late(self.seconds_to_wait))

    def _leave(self, request: Request, lane: Lane) -> None:
        if not request.is_settled:
            with self._changed:
                lane.drop(request)

    def _watch(self, loop: asyncio.AbstractEventLoop, waited: int = 0, quiet: int = 0) -> None:
        """Looks at each round of the loop, while rows wait for a batch, whether more have come."""
        if not waited and (self._busy or self._watcher is loop):
            return
        waiting = self.requests.waiting
        quiet = quiet + 1 if waiting == waited else 0
        self._watcher = loop if waiting and quiet < QUIET and waiting < self._full else None
        if self._watcher:
            loop.call_soon(self._watch, loop, waiting, quiet)
        elif waiting:
            with self._changed:
                self._ready = True
                self._changed.notify_all()

    def _run(self) -> None:
        while batch := self._next():
            begun, rows = perf_counter(), sum(len(rows) for _, rows in batch)
            self._answer(batch)
            took = perf_counter() - begun
            self._pace = took / rows if not self._pace else 0.9 * self._pace + 0.1 * took / rows
            self.on_batch(rows, took)

    def _next(self) -> list[tuple[Request, Sequence[Any]]]:
        """The next batch; empty when the queue is closed and nothing waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self.requests.waiting or self.jobs.waiting)
            if self.requests.waiting:
                self._changed.wait_for(self._may_begin, self.wait)
            self._ready, self._busy = False, True
            is_job = bool(self.jobs.waiting) and (not self.requests.waiting or self._passed >= PATIENCE)
            batch = (self.jobs if is_job else self.requests).take(self._full)
            self._passed = 0 if is_job or not self.jobs.waiting else self._passed + 1
            return batch

    def _may_begin(self) -> bool:
        return self._closing or self._ready or self.requests.waiting >= self._full

    @property
    def _full(self) -> int:
        """Rows of a batch that is full."""
        return max(1, self.size // 2) if 0 < self._pace < self.quick else self.size

    def _answer(self, batch: list[tuple[Request, Sequence[Any]]]) -> None:
        """An error is looked for request by request, so that it fails its own alone."""
        rows = [row for _, some in batch for row in some]
        try:
            results = iter(list(batch[0][0].work(rows)))
            answers = [[next(results) for _ in some] for _, some in batch]
        except Exception as error:
            if len(batch) > 1:
                for each in batch:
                    self._answer([each])
            else:
                self._fail(batch[0][0], error)
            return
        for (request, _), answer in zip(batch, answers, strict=True):
            request.results += answer
        self._settle([request for request, _ in batch if request.is_settled])

    def _fail(self, request: Request, error: Exception) -> None:
        with self._changed:
            self.requests.drop(request)
            self.jobs.drop(request)
        self._settle([request], error)

    def _settle(self, requests: Sequence[Request], error: Exception | None = None) -> None:
        """Hands each its results, or `error`; every event loop is woken once."""
        self._busy = False  # who is answered may ask again at once
        by_loop: dict[asyncio.AbstractEventLoop | None, list[Request]] = {}
        for request in requests:
            request.error = request.error or error
            by_loop.setdefault(request.loop, []).append(request)
        _deliver(by_loop.pop(None, []))
        for loop, some in by_loop.items():
            with suppress(RuntimeError):  # it was closed: nobody waits there
                assert loop  # nosec B101 # for the types: who waits in a thread is told already
                loop.call_soon_threadsafe(self._deliver_on, loop, some)

    def _deliver_on(self, loop: asyncio.AbstractEventLoop, requests: Sequence[Request]) -> None:
        _deliver(requests)
        self._watch(loop)


def _deliver(requests: Sequence[Request]) -> None:
    for request in requests:
        if request.future.done():  # given up
            continue
        if request.error:
            request.future.set_exception(request.error)
        else:
            request.future.set_result(request.results)
