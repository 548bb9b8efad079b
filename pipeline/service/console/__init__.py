"""The console: pages that a support team works in, served by the same process as the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

from anyio import to_thread
from fastapi import APIRouter, FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from pipeline.service.console import customers, jobs, login, models, replays, review, today, trial
from pipeline.service.console.pages import report_style
from pipeline.service.console.watch import Watch

__all__ = ["console_router", "mount_static"]

KEPT = {"cache-control": "public, max-age=86400"}  # a page names the version of what it loads


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await to_thread.run_sync(app.state.watch.stop)


console_router = APIRouter(include_in_schema=False, lifespan=_lifespan)
for _page in (login, today, trial, customers, review, jobs, models, replays):
    console_router.include_router(_page.router)


def mount_static(app: FastAPI) -> None:
    """What the pages load, and what the console keeps in memory."""
    app.state.watch = Watch()
    app.add_api_route("/console/report.css", _report_style, include_in_schema=False)
    app.mount("/console/static", _Files(directory=str(files("pipeline.service.console").joinpath("static"))))


class _Files(StaticFiles):
    """Files that a browser may keep."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers.update(KEPT)
        return answer


def _report_style() -> Response:
    return Response(report_style(), headers=KEPT, media_type="text/css")
