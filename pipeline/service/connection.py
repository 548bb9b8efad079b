"""One connection of uvicorn that does not wait for ever: for the head of a request, or for a client to read."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SECONDS = 20.0  # for the head of a request, and for a client that has stopped reading
LONGEST_HEAD = 64 * 1024  # bytes


class Impatient(HttpToolsProtocol):
    """Ends a connection whose client does nothing for `SECONDS` while it is its turn, or whose head has no end."""

    _head: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _write: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head and self._head_bytes > LONGEST_HEAD:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        self._cancel()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle is None or self.cycle.response_complete:  # else the next request was read already
            self._await_head()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write = self._write or self.loop.call_later(SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write:
            self._write.cancel()
            self._write = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        if self._write:
            self._write.cancel()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._cancel()
        self._head_bytes = 0
        self._head = self.loop.call_later(SECONDS, self.transport.abort)

    def _cancel(self) -> None:
        if self._head:
            self._head.cancel()
            self._head = None
