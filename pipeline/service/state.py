"""What one running service holds, at `app.state.service`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from starlette.requests import Request

from pipeline.service.drifting import DriftWatch
from pipeline.service.holder import ModelHolder
from pipeline.service.keyring import Keyring
from pipeline.service.limiting import Limit
from pipeline.service.metrics import Metrics
from pipeline.service.scoring import Batcher
from pipeline.service.settings import ServiceSettings
from pipeline.service.store.engine import Store
from pipeline.service.tracing import Tracer
from pipeline.settings import Settings

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Service:
    """`settings` are Nabd's, `service` the service's own. Without a `store` it scores and keeps nothing.

    `local`: it listens on this machine alone, so while there is no key its callers may do everything. `rate` limits
    the requests of a key, `logins` the tries to log in from an address.
    """

    settings: Settings
    service: ServiceSettings
    store: Store | None
    model: ModelHolder
    batcher: Batcher
    keyring: Keyring
    rate: Limit
    logins: Limit
    metrics: Metrics
    tracer: Tracer
    drift: DriftWatch
    uploads: Path
    local: bool
    clock: Clock = utc_now

    @property
    def replays(self) -> Path:
        return Path(self.settings.replays)


def service_of(request: Request) -> Service:
    """The service that answers this request."""
    service: Service = request.app.state.service
    return service
