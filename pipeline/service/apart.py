"""The model in a process of its own, so that requests and the model do not share one interpreter, nor one core.

It ends when its pipe is closed, also where the service was killed; where it is killed itself, another takes its place.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from typing import Any

from threadpoolctl import threadpool_limits

from pipeline.bundle import Bundle, load
from pipeline.encoder import Encoder, Vectors
from pipeline.errors import NabdError
from pipeline.records import Message
from pipeline.service.garbage import settle
from pipeline.service.logs import places
from pipeline.service.passing import PROBES, Pass, passed
from pipeline.settings import Settings, model_folder

IGNORED = ("SIGINT", "SIGTERM", "SIGHUP")  # they go to every process of a terminal or a unit; the service decides
TRIES = 2  # of a batch: what ends the process twice is refused
PATIENCE, STUCK = 5.0, 120.0  # seconds that the process has to end, and for one batch
log = logging.getLogger(__name__)


class Fault(Exception):
    """What was asked of the process failed; its log line says where."""


class Apart:
    """The process of the model that `settings` name. Threads take turns.

    Raises what `bundle.load` does for a model that cannot be loaded.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = threading.Lock()
        self.version = ""
        self._begin()

    def passed(self, messages: Sequence[Message], *, written: bool) -> Pass:
        """As `passing.passed`. Raises Fault."""
        found: Pass = self._ask("write" if written else "score", messages)
        return found

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As the model's encoder. Raises Fault."""
        found: Vectors = self._ask("encode", texts)
        return found

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid or 0

    def close(self) -> None:
        """Ends the process."""
        self._pipe.close()
        self._process.join(PATIENCE)
        self._process.kill()

    def _ask(self, what: str, rows: Sequence[Any]) -> Any:
        with self._turn:
            for _ in range(TRIES):
                try:
                    self._pipe.send((what, list(rows)))
                    if not self._pipe.poll(STUCK):
                        self._process.kill()
                    return _unpacked(self._pipe.recv())
                except (EOFError, OSError):
                    log.error("the process of the model has ended; another is begun")
                    self._begin()
        raise Fault(f"the process of the model ended {TRIES} times over one batch")

    def _begin(self) -> None:
        context = get_context("spawn")  # a fork would copy locks that other threads hold
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_work, args=(other, self._settings), name="model", daemon=True)
        self._process.start()
        other.close()
        Finalize(self, self._pipe.close, exitpriority=1)  # before the interpreter waits for its children
        try:
            version = _unpacked(self._pipe.recv())
        except EOFError:
            raise Fault("the process of the model ended before it was ready") from None
        if version != (self.version or version):
            self._pipe.close()
            raise Fault(f"the model changed on the disk to {version}; load it anew")
        self.version = version


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


def _unpacked(answer: Any) -> Any:
    if isinstance(answer, NabdError):
        raise answer
    if isinstance(answer, Fault):
        log.error("in the process of the model: %s", answer)
        raise answer
    return answer


def _work(pipe: Connection, settings: Settings) -> None:
    """What the process does: load the model, say its version, answer until the pipe is closed."""
    for name in IGNORED:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threadpool_limits(1)  # of BLAS, whose threads spin after each small product; the encoder has its own
    with suppress(EOFError, BrokenPipeError):
        try:
            bundle = load(model_folder(settings.model, settings.tracking), threads=settings.threads)
            passed([Message(text) for text in PROBES], bundle, settings, written=True)
        except NabdError as error:
            return pipe.send(error)
        settle()
        pipe.send(bundle.version)
        while True:
            what, rows = pipe.recv()
            pipe.send(_answered(what, rows, bundle, settings))


def _answered(what: str, rows: Sequence[Any], bundle: Bundle, settings: Settings) -> Any:
    try:
        if what == "encode":
            return bundle.encoder.encode(rows)
        return passed(rows, bundle, settings, written=what == "write")
    except Exception as error:  # its words may quote a customer
        return Fault(places(error))
