"""One `nabd serve`: open the store, take the port, load the model, answer until told to stop."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from contextlib import closing
from ipaddress import ip_address

import uvicorn
from fastapi import FastAPI

from pipeline import bundle as bundles
from pipeline.errors import NabdError, UsageError
from pipeline.service.app import create_app
from pipeline.service.auth import keys
from pipeline.service.connection import Impatient
from pipeline.service.garbage import settle
from pipeline.service.holder import ModelHolder
from pipeline.service.logs import configure
from pipeline.service.settings import ServiceSettings
from pipeline.service.store.engine import Store
from pipeline.settings import Settings, model_folder

CONNECTIONS = 1_000  # at the same time; more are told to try again
OPEN = (
    "whoever reaches this machine's own address may do everything; before a proxy stands in front of it: "
    "nabd keys create NAME --scope admin"
)
GRACE = 30  # seconds that requests in progress have when the service stops
log = logging.getLogger(__name__)


def run(settings: Settings, service: ServiceSettings, *, host: str, port: int) -> None:
    """Serves until SIGTERM (exit 0) or Ctrl-C (exit 130), after the requests in progress. Port 0 takes a free one.

    SIGHUP loads the model anew. Raises UsageError for a public address while there is no key.
    """
    address, local = parse_address(host)
    configure(service.log_format)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it and exit 0
    with closing(Store.open(service.database)) as store, listen(address, port) as taken:
        if not check_keys(store, host, local=local):
            log.warning("there is no API key: %s", OPEN)
        bundle = bundles.load(model_folder(settings.model, settings.tracking), threads=settings.threads)
        app = create_app(bundle, settings, service, store=store, local=local, apart=True)
        reload_on_hangup(app.state.service.model)
        log.info("Nabd answers on %s with %s; Ctrl-C ends it", url(taken), bundle.version)
        answer(app, taken)


def answer(app: FastAPI, taken: socket.socket) -> None:
    """Answers on a listening socket until told to stop."""
    settle()
    uvicorn.Server(config(app, *taken.getsockname()[:2])).run(sockets=[taken])


def config(app: FastAPI, address: str, port: int) -> uvicorn.Config:
    """How uvicorn serves: our log, our limits, no word of what it is."""
    return uvicorn.Config(
        app, address, port, log_config=None, access_log=False, server_header=False, http=Impatient, ws="none",
        limit_concurrency=CONNECTIONS, timeout_graceful_shutdown=GRACE,
    )  # fmt: skip


def parse_address(host: str) -> tuple[str, bool]:
    """The address of `host`, and whether it is of this machine alone."""
    try:
        address = ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise UsageError(f"--host {host!r} is no address, expected such as localhost, 127.0.0.1 or 0.0.0.0") from None
    return str(address), address.is_loopback


def check_keys(store: Store, host: str, *, local: bool) -> bool:
    """Whether there is a key. Raises UsageError where other machines could ask and none would stop them."""
    with store.read() as session:
        guarded = keys.any_key(session)
    if not guarded and not local:
        raise UsageError(
            f"--host {host} can be reached from other machines, and there is no API key yet, so anyone could read "
            "your customers; make one first: nabd keys create NAME --scope admin"
        )
    return guarded


def reload_on_hangup(model: ModelHolder) -> None:
    """SIGHUP loads the model anew, beside the requests; one that is broken is left."""

    def reload() -> None:
        try:
            log.info("%s answers from now on", model.reload())
        except NabdError as error:
            log.error("the model was not reloaded, so the one before answers on: %s", error)

    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=reload, name="reload").start())


def listen(address: str, port: int) -> socket.socket:
    """A listening socket. Raises UsageError when the port cannot be had."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family, backlog=2048)
    except OSError as error:
        raise UsageError(
            f"port {port} of {address} cannot be had ({error.strerror}); choose another with --port"
        ) from None


def url(taken: socket.socket) -> str:
    """Where a listening socket answers."""
    address, port = taken.getsockname()[:2]
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
