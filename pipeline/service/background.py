"""What runs beside the requests: the worker of jobs, the delivery of events, and the upkeep of the store."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI

from pipeline.errors import StoreError
from pipeline.service.jobs.worker import Worker
from pipeline.service.state import Service
from pipeline.service.upkeep import Upkeep
from pipeline.service.webhooks.delivery import Delivery

DELIVERED, KEPT_UP, WATCHED = 2.0, 60.0, 600.0  # seconds between two rounds
PATIENCE = 10.0  # seconds that a thread has to end
log = logging.getLogger(__name__)


class Repeating:
    """A thread that calls `work` every so many seconds; a store that is not to be had is waited for.

    The first time is after as long, or `at_once`.
    """

    def __init__(self, name: str, work: Callable[[], object], *, every: float, at_once: bool = False) -> None:
        self._work, self._every, self._name = work, every, name
        self._pause = 0.0 if at_once else every
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        while not self._stopped.wait(self._pause):
            self._pause = self._every
            try:
                self._work()
            except StoreError as error:
                log.error("%s waits: %s", self._name, error)
            except Exception as error:  # its message may quote a customer; the thread must live on
                where = "".join(traceback.format_tb(error.__traceback__))
                log.error("%s: %s\n%s", self._name, type(error).__name__, where)


class Background:
    """Everything that runs beside the requests of a service with a store.

    Raises UsageError when events cannot go where the settings say.
    """

    def __init__(self, service: Service) -> None:
        assert service.store is not None  # nosec B101 # for the types: the worker is started only where there is a store
        known = service.service
        self.worker = Worker(service)
        self._delivery = Delivery(service.store, known.webhook_urls, known.webhook_secret, clock=service.clock)
        self._repeating = [Repeating("upkeep", Upkeep(service), every=KEPT_UP)]
        if known.drift_window:
            self._repeating.append(Repeating("drift", service.drift.check, every=WATCHED, at_once=True))
        if known.webhook_urls:
            self._repeating.append(Repeating("webhooks", self._delivery.send_due, every=DELIVERED))

    def start(self) -> None:
        self.worker.start()
        for each in self._repeating:
            each.start()

    def stop(self) -> None:
        for each in self._repeating:
            each.stop()
        self.worker.stop(PATIENCE)
        self._delivery.close()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Runs it while the app does; it is at `app.state.background`."""
    background = Background(app.state.service)
    app.state.background = background
    background.start()
    try:
        yield
    finally:
        await to_thread.run_sync(background.stop)


def wake(app: FastAPI) -> None:
    """Tells the worker that a job was queued; without one, the job waits for it."""
    background: Background | None = getattr(app.state, "background", None)
    if background is not None:
        background.worker.wake()
