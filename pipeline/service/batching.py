"""Micro-batching: requests that wait at the same time share one pass of the model.

Requests take turns by batch, so that a long one delays the others by one batch at most. Jobs wait in a lane of their
own: they get the batches that no request wants, and one in `PATIENCE` of the others, so that neither starves.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from math import ceil
from queue import SimpleQueue
from time import perf_counter
from typing import Any

from pipeline.service.lanes import Done, Function, Lane, Outcome, Part, Remote, Request, Work, running

PATIENCE = 8  # batches of requests that a waiting job lets pass
QUICK = 0.001  # seconds a row: so quick a model is better kept busy, while requests are read, than given large batches
AHEAD = 2  # batches that a quick model has at a time, so that it finds the next when it ends one
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
    """The queue. `size` rows a batch at most; a model that takes less than `quick` seconds a row gets half as many, and
    the next batch while it is at one. `wait` seconds at most for a batch to fill; `room` rows of requests may wait.
    `on_batch` hears the rows of a batch and the seconds it took.

    A batch begins when it is full, or when the event loop has read all that has come: someone who asks alone is
    answered at once, and a crowd is not answered one by one while it is still being read. Who asks and who brings an
    outcome begin what may begin, so that remote work takes turns with no thread; other work has one.
    """

    def __init__(
        self, *, size: int, wait: float, room: int, quick: float = 0.0,
        on_batch: Callable[[int, float], None] = lambda rows, seconds: None,
    ) -> None:  # fmt: skip
        self.size, self.wait, self.room, self.quick, self.on_batch = size, wait, room, quick, on_batch
        self.requests, self.jobs = Lane(), Lane()
        self._suspects: deque[Part] = deque()  # of batches that failed: each is tried once more, alone
        self._lock = threading.RLock()
        self._landed = threading.Condition(self._lock)
        self._here = _Here()
        self._flights = 0  # batches that the model has
        self._alone = self._ready = self._closing = False
        self._watcher: asyncio.AbstractEventLoop | None = None
        self._passed = 0  # batches of requests since one of jobs
        self._pace = self._last = 0.0  # seconds a row, of late; when the last batch ended

    async def ask(self, work: Work, rows: Sequence[Any], *, seconds: float) -> list[Any]:
        """`work` on `rows`, its rows among others' rows. Raises Full, Late, Refused, and what `work` raises."""
        if not rows:
            return []
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Any]] = loop.create_future()
        request = Request(work, rows, future, loop)
        self._enter(request, self.requests)
        deadline = loop.call_later(seconds, self._give_up, future)
        try:
            return await future
        finally:
            deadline.cancel()
            if not request.is_settled:
                with self._lock:
                    self.requests.drop(request)

    def ask_here(self, work: Work, rows: Sequence[Any], *, as_job: bool) -> list[Any]:
        """The same for a thread, without a deadline. Jobs are never told that the queue is full."""
        if not rows:
            return []
        future: Future[list[Any]] = Future()
        self._enter(Request(work, rows, future), self.jobs if as_job else self.requests)
        return future.result()

    @property
    def seconds_to_wait(self) -> int:
        """How long the rows that wait will take, in whole seconds from 1 to `SLOWEST`."""
        return min(max(1, ceil(self.requests.waiting * self._pace)), SLOWEST)

    def open(self) -> None:
        """Takes requests again after `close`."""
        with self._lock:
            self._closing = False

    def close(self, *, seconds: float) -> None:
        """Refuses what comes from now on and what jobs have waiting; answers the requests that wait, or gives up."""
        with self._lock:
            self._closing = True
            dropped, self.jobs = [*self.jobs.turns], Lane()
        _settle(dropped, Refused())
        self._begin()
        with self._lock:
            self._landed.wait_for(lambda: not (self._flights or self._suspects or self.requests.waiting), seconds)
            dropped, self.requests = [*self.requests.turns], Lane()
        _settle(dropped, Refused())
        self._here.end()

    def _enter(self, request: Request, lane: Lane) -> None:
        with self._lock:
            if self._closing:
                raise Refused
            if lane is self.requests and lane.waiting and lane.waiting + len(request.rows) > self.room:
                raise Full(self.seconds_to_wait)
            lane.add(request)
            if request.loop is None and lane is self.requests:  # a thread has read all that it asks
                self._ready = True
        self._begin()
        if request.loop:
            self._watch(request.loop)

    def _give_up(self, future: asyncio.Future[list[Any]]) -> None:
        if not future.done():
            future.set_exception(Late(self.seconds_to_wait))

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Looks at each round of the loop, while rows wait and the model does nothing, whether more have come."""
        if self.requests.waiting and not self._flights and self._watcher is not loop:
            self._watcher = loop
            loop.call_soon(self._look, loop, self.requests.waiting, 0, loop.time() + self.wait)

    def _look(self, loop: asyncio.AbstractEventLoop, waited: int, quiet: int, until: float) -> None:
        waiting = self.requests.waiting
        quiet = quiet + 1 if waiting == waited else 0
        if waiting and not self._flights and quiet < QUIET and loop.time() < until:
            loop.call_soon(self._look, loop, waiting, quiet, until)
            return
        self._watcher = None
        if not self._flights:
            self._ready = bool(waiting)
            self._begin()

    def _begin(self) -> None:
        """Gives the model what it may have."""
        with self._lock:
            while batch := self._next():
                self._flights += 1
                work, rows = batch[0].request.work, [row for part in batch for row in part.rows]
                end = partial(self._end, batch, perf_counter())
                if isinstance(work, Remote):
                    work.begin(rows, end)
                else:
                    self._here.begin(work, rows, end)

    def _next(self) -> list[Part]:
        """The next batch; empty where none may begin. What failed once goes alone, and nothing beside it."""
        if self._alone or self._flights >= (AHEAD if self._is_quick and not self._suspects else 1):
            return []
        if self._suspects:
            self._alone = True
            return [self._suspects.popleft()]
        if self.requests.waiting and not (self._closing or self._ready or self.requests.waiting >= self._full):
            return []
        is_job = bool(self.jobs.waiting) and (not self.requests.waiting or self._passed >= PATIENCE)
        self._passed = 0 if is_job or not self.jobs.waiting else self._passed + 1
        self._ready = self._ready and is_job
        return (self.jobs if is_job else self.requests).take(self._full)

    @property
    def _is_quick(self) -> bool:
        return 0 < self._pace < self.quick

    @property
    def _full(self) -> int:
        """Rows of a batch that is full."""
        return max(1, self.size // 2) if self._is_quick else self.size

    def _end(self, batch: list[Part], begun: float, outcome: Outcome) -> None:
        """An error is looked for request by request, so that it fails its own alone."""
        rows, now = sum(len(part.rows) for part in batch), perf_counter()
        with self._lock:
            took, self._last = now - max(begun, self._last), now
            self._pace = 0.9 * self._pace + 0.1 * took / rows if self._pace else took / rows
            if not isinstance(outcome, Exception):
                _fill(batch, outcome)
            elif self._alone:
                self._fail(batch[0].request, outcome)
            else:
                self._suspects += batch
            self._alone, self._flights = False, self._flights - 1
            self._begin()  # first: the model need not wait while answers are handed out
            self._landed.notify_all()
        self.on_batch(rows, took)
        _settle([part.request for part in batch if part.request.is_settled])
        self._wake()

    def _fail(self, request: Request, error: Exception) -> None:
        request.error = error
        self.requests.drop(request)
        self.jobs.drop(request)
        self._suspects = deque(part for part in self._suspects if part.request is not request)

    def _wake(self) -> None:
        """Has whoever is first in turn look for more, where rows wait and the model does nothing."""
        with self._lock:
            if self._flights or not self.requests.turns:
                return
            loop = self.requests.turns[0].loop
            with suppress(RuntimeError):  # it was closed: nobody waits there
                if loop:
                    loop.call_soon_threadsafe(self._watch, loop)
                    return
            self._ready = True
            self._begin()


class _Here:
    """A thread for work that takes its time; it begins with the first and may be ended in between."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[tuple[Function, Sequence[Any], Done] | None] | None = None

    def begin(self, work: Function, rows: Sequence[Any], done: Done) -> None:
        if self._asked is None:
            self._asked = SimpleQueue()
            threading.Thread(target=self._run, args=(self._asked,), name="encoder", daemon=True).start()
        self._asked.put((work, rows, done))

    def end(self) -> None:
        """After what it is at."""
        if self._asked:
            self._asked.put(None)
            self._asked = None

    @staticmethod
    def _run(asked: SimpleQueue[tuple[Function, Sequence[Any], Done] | None]) -> None:
        while next_one := asked.get():
            work, rows, done = next_one
            try:
                outcome: Outcome = list(work(rows))
            except Exception as error:
                outcome = error
            done(outcome)


def _fill(batch: Sequence[Part], results: Sequence[Any]) -> None:
    at = 0
    for part in batch:
        part.fill(results[at : at + len(part.rows)])
        at += len(part.rows)


def _settle(requests: Sequence[Request], error: Exception | None = None) -> None:
    """Hands each its results, or `error`; every other event loop is woken once."""
    by_loop: dict[asyncio.AbstractEventLoop | None, list[Request]] = {}
    for request in requests:
        request.error = request.error or error
        by_loop.setdefault(request.loop, []).append(request)
    here = running()
    for loop, some in by_loop.items():
        if loop is None or loop is here:
            _deliver(some)
        else:
            with suppress(RuntimeError):  # it was closed: nobody waits there
                loop.call_soon_threadsafe(_deliver, some)


def _deliver(requests: Sequence[Request]) -> None:
    for request in requests:
        if request.future.done():  # given up
            continue
        if request.error:
            request.future.set_exception(request.error)
        else:
            request.future.set_result(request.results)
