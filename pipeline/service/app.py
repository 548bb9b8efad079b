"""The service as an ASGI app: the API, its documentation and the console around one model and one store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from fastapi.telemetry import TelemetryConfig
from sqlalchemy import func, select

from pipeline import __version__
from pipeline.bundle import Bundle, load
from pipeline.service.api import health, models, score
from pipeline.service.batching import QUICK, Batches
from pipeline.service.bodies import Limits
from pipeline.service.direct import Direct
from pipeline.service.drifting import DriftMetrics, DriftWatch
from pipeline.service.guard import Guard
from pipeline.service.holder import ModelHolder
from pipeline.service.keyring import Keyring
from pipeline.service.limiting import Limit
from pipeline.service.metrics import Metrics
from pipeline.service.problems import DOCUMENTED, add_problems
from pipeline.service.scoring import Batcher
from pipeline.service.settings import ServiceSettings
from pipeline.service.state import Clock, Service, utc_now
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Job
from pipeline.service.tracing import tracer_to
from pipeline.settings import Settings, model_folder

NO_TELEMETRY: TelemetryConfig = {
    "tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False,
}  # fmt: skip
BODIES = 8  # of the largest size that are held at the same time


def create_app(
    bundle: Bundle, settings: Settings, service: ServiceSettings | None = None, *, store: Store | None = None,
    local: bool = False, loader: Callable[[str], Bundle] | None = None, clock: Clock = utc_now, apart: bool = False,
) -> FastAPI:  # fmt: skip
    """The ASGI app that serves `bundle`; without a `store` it scores and keeps nothing.

    `local`: it is served to this machine alone, where no key is needed until there is one. `loader` makes a bundle of
    a model's name, for a reload. `apart`: the model works in a process of its own.
    """
    state = build(
        bundle, settings, service or ServiceSettings(), store=store, local=local, loader=loader, clock=clock,
        apart=apart,
    )  # fmt: skip
    app = FastAPI(
        title="Nabd", version=__version__, summary="What each customer message needs and where it goes: ar, fa, en",
        docs_url=None, redoc_url=None, telemetry=NO_TELEMETRY, responses=DOCUMENTED, lifespan=_lifespan,
    )  # fmt: skip
    app.state.service = state
    app.router.routes += [Direct(route) for route in score.router.routes if isinstance(route, APIRoute)]
    for part in (score, models, health):
        app.include_router(part.router)
    app.mount("/docs/static", StaticFiles(directory=str(files("pipeline.service").joinpath("static", "swagger"))))
    if store:
        _add_resources(app)
    add_problems(app)
    app.add_middleware(Guard, limits=limits_of(state.service), metrics=state.metrics, tracer=state.tracer)
    return app


def build(
    bundle: Bundle, settings: Settings, service: ServiceSettings, *, store: Store | None, local: bool,
    loader: Callable[[str], Bundle] | None, clock: Clock, apart: bool,
) -> Service:  # fmt: skip
    """What the app holds; see `create_app`."""
    metrics = Metrics()
    watch = DriftWatch(
        lambda: model_folder(model.name, settings.tracking), size=service.drift_window, rate=service.drift_alarm_rate
    )
    model = ModelHolder(
        bundle, settings,
        loader or (lambda name: load(model_folder(name, settings.tracking), threads=settings.threads)),
        on_scored=watch.add, apart=apart,
    )  # fmt: skip
    batches = Batches(
        size=service.batch_size, wait=service.batch_wait_ms / 1000, room=service.queue_size, quick=QUICK,
        on_batch=metrics.batch,
    )  # fmt: skip
    batcher = Batcher(model, batches, deadline=service.deadline_ms / 1000)
    metrics.watch(waiting=lambda: batcher.waiting, version=lambda: model.version, jobs=lambda: _jobs(store))
    metrics.registry.register(DriftMetrics(watch))
    return Service(
        settings=settings, service=service, store=store, model=model, batcher=batcher,
        keyring=Keyring(store, clock), rate=Limit(service.rate_limit, "rate_limit"),
        logins=Limit(service.logins, "logins"), metrics=metrics, tracer=tracer_to(service.trace_endpoint), drift=watch,
        uploads=Path(service.uploads), local=local, clock=clock,
    )  # fmt: skip


def limits_of(service: ServiceSettings) -> Limits:
    """What a body may be."""
    seconds = service.body_timeout_ms / 1000
    return Limits(service.max_body, service.max_upload, seconds, total=BODIES * service.max_body)


def _add_resources(app: FastAPI) -> None:
    """What needs a store: customers, feedback, review, jobs, webhooks and the console."""
    from pipeline.service.api import customers, feedback, inbound, jobs, review
    from pipeline.service.console import console_router, mount_static

    for part in (jobs, customers, feedback, review, inbound):
        app.include_router(part.router)
    app.include_router(console_router)
    mount_static(app)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state: Service = app.state.service
    state.batcher.open()
    await state.model.attach()
    try:
        yield
    finally:
        await to_thread.run_sync(state.batcher.close)
        await to_thread.run_sync(state.model.close)
        state.tracer.close()


def _jobs(store: Store | None) -> dict[str, Any]:
    """How many jobs are in each state."""
    if store is None:
        return {}
    with store.read() as session:
        return {state: count for state, count in session.execute(select(Job.state, func.count()).group_by(Job.state))}
