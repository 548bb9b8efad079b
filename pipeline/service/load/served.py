"""`nabd serve` with one endpoint more, which does nothing: what is put under load.

What that one answers in a second is what FastAPI, uvicorn and all that stands around every request leave to a model.
"""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from fastapi import FastAPI, Request

from pipeline import bundle as bundles
from pipeline.service.app import create_app
from pipeline.service.logs import configure
from pipeline.service.serve import answer, listen
from pipeline.service.settings import load_service_settings
from pipeline.service.store.engine import Store
from pipeline.settings import load_settings, model_folder

HOST, EMPTY = "127.0.0.1", "/empty"


def main() -> None:
    """Serves the model of the command line, with a store in its folder, at its port, until it is told to stop."""
    model, folder, port = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    settings = load_settings(environment={}, model=model)
    service = replace(load_service_settings(environment={}), uploads=str(folder / "uploads"))
    configure(service.log_format)
    with closing(Store.open(f"sqlite:///{folder / 'nabd.db'}")) as store, listen(HOST, port) as taken:
        bundle = bundles.load(model_folder(settings.model, settings.tracking), threads=settings.threads)
        app = create_app(bundle, settings, service, store=store, local=True, apart=True)
        add_empty(app)
        answer(app, taken)


def add_empty(app: FastAPI) -> None:
    """It takes the same body, unparsed, and is found as soon as the first route of the service."""

    @app.post(EMPTY)
    async def empty(request: Request) -> dict[str, str]:
        await request.body()
        return {}

    app.router.routes.insert(0, app.router.routes.pop())
