"""Around every request: limits on its body, its headers, one line in the log, and no traceback that could quote it."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from time import perf_counter

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.service.bodies import Limits, Reader
from pipeline.service.headers import protected
from pipeline.service.logs import places
from pipeline.service.metrics import Metrics
from pipeline.service.problems import problem
from pipeline.service.tracing import Tracer

REQUEST_ID, TOLD = "nabd.id", "nabd.headers"  # of the scope; what is told is added to the answer's headers
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "(no such path)"
log = logging.getLogger(__name__)


@dataclass
class Guard:
    """ASGI middleware; see `bodies` for the limits."""

    app: ASGIApp
    limits: Limits
    metrics: Metrics
    tracer: Tracer
    held: list[int] = field(default_factory=lambda: [0])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        scope[REQUEST_ID], scope[TOLD] = secrets.token_hex(8), []
        exchange = _Exchange(scope, send)
        begun = perf_counter()
        with self.tracer.span("request", scope) as span:
            await self._answer(exchange, Reader(scope, receive, self.limits, self.held))
            route = _route(scope)
            span.update_name(f"{exchange.method} {route}")
            span.set_attribute("http.request.method", exchange.method)
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", exchange.status)
            span.set_attribute("nabd.request_id", scope[REQUEST_ID])
        took = perf_counter() - begun
        self.metrics.answered(exchange.method, route, exchange.status, took)
        log.info(
            "%s %s %d %.0f ms", exchange.method, route, exchange.status, 1000 * took,
            extra={"request": scope[REQUEST_ID], "status": exchange.status, "seconds": round(took, 4)},
        )  # fmt: skip

    async def _answer(self, exchange: _Exchange, reader: Reader) -> None:
        try:
            await reader.prepare()
            await self.app(exchange.scope, reader.receive, exchange.send)
        except HTTPException as refusal:  # of the body, before or while the application read it
            await exchange.refuse(refusal.status_code, refusal.detail, dict(refusal.headers or {}))
        except ClientDisconnect:
            exchange.status = exchange.status or 499
        except Exception as error:  # its message may quote a customer
            log.error(places(error), extra={"request": exchange.scope[REQUEST_ID]})
            await exchange.refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of Nabd; its log says where", {})
        finally:
            reader.close()


def _route(scope: Scope) -> str:
    """What was asked for, without a caller's words: the path as it was declared, or the folder of a static file."""
    folder = scope.get("root_path")
    return getattr(scope.get("route"), "path", f"{folder}/{{file}}" if folder else NO_ROUTE)


class _Exchange:
    """One request and the status of its answer, 0 before there is one."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope, self._send, self.status = scope, send, 0
        self.method = scope["method"] if scope["method"] in METHODS else "other"

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            told = [*self.scope[TOLD], (b"x-request-id", self.scope[REQUEST_ID].encode())]
            own = [*message.get("headers", ()), *told]
            message["headers"] = protected(own, encrypted=self.scope.get("scheme") == "https")
        await self._send(message)

    async def refuse(self, status: int, detail: str, headers: dict[str, str]) -> None:
        """Answers with a problem, if nothing was answered yet."""
        if self.status:
            return

        async def nothing() -> Message:
            return {"type": "http.disconnect"}

        await problem(status, detail, headers=headers)(self.scope, nothing, self.send)
