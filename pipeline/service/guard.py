"""Around every request: a limit on its body, one line in the log, and no traceback that could quote it."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.service.problems import problem

MAX_BODY = 32 * 1024 * 1024
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Guard:
    """ASGI middleware; a body over `max_body` bytes is refused before more of it is read."""

    app: ASGIApp
    max_body: int = MAX_BODY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        begun, read, status = perf_counter(), 0, 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.max_body:
                detail = f"the body is over {self.max_body:,} bytes; send fewer messages at once"
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
            return message

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, limited, watched)
        except Exception as error:  # its message may quote a customer: the log gets its type and place alone
            log.error("%s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            if not status:
                await problem(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of Nabd; its log says where")(
                    scope, receive, watched
                )
        route = getattr(scope.get("route"), "path", "(no such path)")
        log.info("%s %s %d %.0f ms", scope["method"], route, status, 1000 * (perf_counter() - begun))
