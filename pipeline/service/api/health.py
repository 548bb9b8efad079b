"""Whether the service is up and ready, its metrics, and its documentation, none of it loaded from elsewhere."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, Response

from pipeline.service.access import needs
from pipeline.service.problems import Refusal
from pipeline.service.schemas import Answer
from pipeline.service.state import service_of

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"
router = APIRouter(tags=["operation"])


class State(Answer):
    status: str


class Ready(State):
    model: str


@router.get("/health")
async def health() -> State:
    """The process is up."""
    return State(status="ok")


@router.get("/ready")
def ready(request: Request) -> Ready:
    """The model is loaded and the store answers."""
    service = service_of(request)
    if service.store and not service.store.ready():
        raise Refusal(503, "the store does not answer; `nabd doctor` says why", headers={"Retry-After": "5"})
    return Ready(status="ready", model=service.model.version)


@router.get("/metrics", dependencies=[Depends(needs("read"))], response_class=Response)
def metrics(request: Request) -> Response:
    """Counts for Prometheus."""
    return Response(service_of(request).metrics.text(), media_type=EXPOSITION)


@router.get("/docs", include_in_schema=False)
def docs() -> HTMLResponse:
    """This description, to read and to try."""
    page = files("pipeline.service").joinpath("static", "swagger", "index.html")
    return HTMLResponse(page.read_text(encoding="utf-8"))
