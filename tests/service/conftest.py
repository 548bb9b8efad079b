"""A store of each kind, a service around the tiny bundle, and clients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import postgres
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from served import HERE, NOW, MakeApp

from pipeline.bundle import Bundle
from pipeline.service.app import create_app
from pipeline.service.auth import keys
from pipeline.service.settings import ServiceSettings
from pipeline.service.store.engine import Store
from pipeline.settings import Settings, load_settings

postgresql, database, store = postgres.postgresql, postgres.database, postgres.store


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Nabd's own, whatever the environment says."""
    return load_settings(environment={})


@pytest.fixture
def service_settings(tmp_path: Path) -> ServiceSettings:
    return ServiceSettings(uploads=str(tmp_path / "uploads"), batch_wait_ms=1)


@pytest.fixture
def make_app(tiny_bundle: Bundle, settings: Settings, service_settings: ServiceSettings) -> MakeApp:
    """Makes an app around the tiny bundle; options are those of `create_app`."""

    def make(**options: Any) -> FastAPI:
        defaults: dict[str, Any] = {"local": True, "clock": lambda: NOW, "loader": lambda name: tiny_bundle}
        given = {"bundle": tiny_bundle, "settings": settings, "service": service_settings, **defaults, **options}
        return create_app(given.pop("bundle"), given.pop("settings"), given.pop("service"), **given)

    return make


@pytest.fixture
def service_app(make_app: MakeApp, store: Store) -> FastAPI:
    """A service for this machine alone, with a store."""
    return make_app(store=store)


@pytest.fixture
def client(service_app: FastAPI) -> Iterator[TestClient]:
    """This machine's own user: everything is allowed while there is no key."""
    with TestClient(service_app, base_url=HERE) as found:
        yield found


@pytest.fixture
def key_headers(store: Store) -> Callable[..., dict[str, str]]:
    """Makes a key with the given scopes; the headers that present it."""

    def make(*scopes: str) -> dict[str, str]:
        with store.begin() as session:
            _, token = keys.create(session, "test", scopes, None)
        return {"Authorization": f"Bearer {token}"}

    return make
