"""The model in a process of its own, so that requests and the model do not share one interpreter, nor one core.

It ends when its socket is closed, also where the service was killed; where it is killed itself, another takes its
place. On an event loop it is spoken with by the loop: a thread would have to wait for the interpreter at each turn.
"""

from __future__ import annotations

import asyncio
import logging
import pickle  # nosec B403 # what it reads comes from its own other half
import signal
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize
from typing import Any, cast

from threadpoolctl import threadpool_limits

from pipeline.bundle import Bundle, load
from pipeline.encoder import Encoder, Vectors
from pipeline.errors import NabdError
from pipeline.records import Message
from pipeline.service.garbage import settle
from pipeline.service.lanes import Done, running
from pipeline.service.logs import places
from pipeline.service.passing import PROBES, Pass, passed
from pipeline.settings import Settings, model_folder

IGNORED = ("SIGINT", "SIGTERM", "SIGHUP")  # they go to every process of a terminal or a unit; the service decides
SCORE, WRITE, ENCODE = "score", "write", "encode"
TRIES = 2  # of a batch: what ends the process twice is refused
STUCK = 120.0  # seconds that the process has for one batch
_MOST = 1 << 20  # bytes read at a time
_LENGTH = struct.Struct("!Q")  # bytes of the pickle that follows
log = logging.getLogger(__name__)


class Fault(Exception):
    """What was asked of the process failed; its log line says where."""


class Ended(Fault):
    """The process ended before it answered."""

    def __init__(self) -> None:
        super().__init__("it ended before it answered")


class Apart:
    """The process of the model that `settings` name.

    Raises what `bundle.load` does for a model that cannot be loaded.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wire: _Wire | None = None
        self._unsent: list[tuple[bytes, Done]] = []  # while another process is begun
        self.version = ""
        self._begin()

    def passed(self, messages: Sequence[Message], *, written: bool) -> Pass:
        """As `passing.passed`, for a thread that waits. Raises Fault."""
        found: Pass = self._ask(what(written), messages)
        return found

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As the model's encoder, for a thread that waits. Raises Fault."""
        found: Vectors = self._ask(ENCODE, texts)
        return found

    def begin(self, asked: str, rows: Sequence[Any], done: Done) -> None:
        """The same without waiting, once it is attached; `done` hears the answer or a Fault, on the loop.

        What the process ends over is not asked again.
        """
        frame = _framed((asked, list(rows)))
        assert self._loop  # nosec B101 # for the types
        if running() is self._loop:
            self._send(frame, done)
        else:
            self._loop.call_soon_threadsafe(self._send, frame, done)

    async def attach(self) -> None:
        """From now on the running event loop speaks with the process."""
        self._loop = asyncio.get_running_loop()
        self._socket.setblocking(False)
        wire = partial(_Wire, self._process.kill)
        _, self._wire = await self._loop.create_connection(wire, sock=self._socket.dup())
        self._open.append(self._wire)

    @property
    def is_attached(self) -> bool:
        return self._loop is not None and not self._loop.is_closed()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid or 0

    def close(self) -> None:
        """Ends the process."""
        self._finally()
        self._process.join()

    def _ask(self, asked: str, rows: Sequence[Any]) -> Any:
        for _ in range(TRIES):
            with suppress(Ended):
                return unpacked(self._answer(asked, rows))
        raise Fault(f"the process of the model ended {TRIES} times over one batch")

    def _answer(self, asked: str, rows: Sequence[Any]) -> Any:
        if self.is_attached:
            answer: Future[Any] = Future()
            self.begin(asked, rows, answer.set_result)
            return answer.result()
        with self._turn:
            try:
                self._socket.settimeout(STUCK)
                self._socket.sendall(_framed((asked, list(rows))))
                return _received(self._socket)
            except (EOFError, OSError):
                self._begin_again()
                return Ended()

    def _send(self, frame: bytes, done: Done) -> None:
        if self._wire and not self._wire.is_lost:
            return self._wire.send(frame, done)
        self._unsent.append((frame, done))
        if len(self._unsent) == 1:
            assert self._loop  # nosec B101 # for the types
            self._reviving = self._loop.create_task(self._revive())

    async def _revive(self) -> None:
        failed: Exception | None = None
        try:
            await asyncio.to_thread(self._begin_again)
            await self.attach()
        except Exception as error:
            failed = error
        unsent, self._unsent = self._unsent, []
        for frame, done in unsent:
            if failed or not self._wire:
                done(failed or Ended())
            else:
                self._wire.send(frame, done)

    def _begin_again(self) -> None:
        log.error("the process of the model has ended; another is begun")
        self._finally()
        self._begin()

    def _begin(self) -> None:
        context = get_context("spawn")  # a fork would copy locks that other threads hold
        self._socket, other = socket.socketpair()
        self._process: BaseProcess = context.Process(
            target=_work, args=(other, self._settings), name="model", daemon=True
        )
        self._process.start()
        other.close()
        self._open: list[socket.socket | _Wire] = [self._socket]
        self._finally = Finalize(self, _end, (self._process, self._open), exitpriority=1)  # before children are joined
        try:
            version = unpacked(_received(self._socket))
        except EOFError:
            raise Fault("the process of the model ended before it was ready") from None
        if version != (self.version or version):
            self._finally()
            raise Fault(f"the model changed on the disk to {version}; load it anew")
        self.version = version


class _Wire(asyncio.Protocol):
    """The service's end of the socket on an event loop: frames out, and each answer to who asked first."""

    def __init__(self, kill: Callable[[], None]) -> None:
        self._kill = kill
        self._asked: deque[Done] = deque()
        self._read = bytearray()
        self._patience: asyncio.TimerHandle | None = None
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """In any thread. A loop that is closed while its end is still open waits for ever (uvloop)."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._transport.abort)

    def send(self, frame: bytes, done: Done) -> None:
        self._asked.append(done)
        self._transport.write(frame)
        if len(self._asked) == 1:
            self._wait()

    def data_received(self, data: bytes) -> None:
        self._read += data
        while len(self._read) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._read)[0]
            if len(self._read) < end:
                return
            answer = pickle.loads(memoryview(self._read)[_LENGTH.size : end])  # nosec B301 # see above
            del self._read[:end]
            done = self._asked.popleft()
            self._wait()
            done(answer)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True
        asked, self._asked = self._asked, deque()
        self._wait()
        for done in asked:
            done(Ended())

    def _wait(self) -> None:
        """For the next answer, where one is due."""
        if self._patience:
            self._patience.cancel()
        self._patience = self._loop.call_later(STUCK, self._kill) if self._asked else None


@dataclass(frozen=True)
class EncoderApart:
    """The encoder of a bundle whose work is done by a process."""

    encoder: Encoder
    apart: Apart

    @property
    def id(self) -> str:
        return self.encoder.id

    @property
    def width(self) -> int:
        return self.encoder.width

    def encode(self, texts: Sequence[str]) -> Vectors:
        return self.apart.encode(texts)


def what(written: bool) -> str:
    """What to ask for: documents, or all that was found."""
    return WRITE if written else SCORE


def unpacked(answer: Any) -> Any:
    """An answer of the process; raises what it is where it is an error."""
    if isinstance(answer, Fault):
        log.error("in the process of the model: %s", answer)
    if isinstance(answer, Exception):
        raise answer
    return answer


def _end(process: BaseProcess, ends: Sequence[socket.socket | _Wire]) -> None:
    process.kill()
    for end in ends:
        end.close()


def _framed(value: Any) -> bytes:
    body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


def _received(stream: socket.socket) -> Any:
    """What the other half sent. Raises EOFError where it has ended."""
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    return pickle.loads(_exactly(stream, length))  # nosec B301 # see above


def _exactly(stream: socket.socket, length: int) -> bytearray:
    found = bytearray()
    while len(found) < length:
        data = stream.recv(min(length - len(found), _MOST))
        if not data:
            raise EOFError
        found += data
    return found


def _work(stream: socket.socket, settings: Settings) -> None:
    """What the process does: load the model, say its version, answer until the socket is closed."""
    for name in IGNORED:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threadpool_limits(1)  # of BLAS, whose threads spin after each small product; the encoder has its own
    with suppress(EOFError, ConnectionError):
        try:
            bundle = load(model_folder(settings.model, settings.tracking), threads=settings.threads)
            passed([Message(text) for text in PROBES], bundle, settings, written=True)
        except NabdError as error:
            return stream.sendall(_framed(error))
        settle()
        stream.sendall(_framed(bundle.version))
        while True:
            asked, rows = _received(stream)
            stream.sendall(_framed(_answered(asked, rows, bundle, settings)))


def _answered(asked: str, rows: Sequence[Any], bundle: Bundle, settings: Settings) -> Any:
    try:
        if asked == ENCODE:
            return bundle.encoder.encode(rows)
        return passed(rows, bundle, settings, written=asked == WRITE)
    except Exception as error:  # its words may quote a customer
        return Fault(places(error))
