"""One `nabd serve`: take the port, load the model, answer until told to stop."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from ipaddress import ip_address

import uvicorn

from pipeline import bundle as bundles
from pipeline.errors import UsageError
from pipeline.records import Message
from pipeline.score import score
from pipeline.service.app import create_app
from pipeline.settings import Settings, model_folder

log = logging.getLogger(__name__)


def run(settings: Settings, *, host: str, port: int) -> None:
    """Serves until SIGTERM (exit 0) or Ctrl-C (exit 130), after the requests in progress. Port 0 takes a free one."""
    address = loopback(host)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it and exit 0
    with listen(address, port) as taken:
        bundle = bundles.load(model_folder(settings.model), threads=settings.threads)
        score([Message("warm up")], bundle, settings.routes)
        app = create_app(bundle, settings)
        config = uvicorn.Config(app, address, port, log_config=None, access_log=False, server_header=False)
        log.info("Nabd answers on %s with %s; Ctrl-C ends it", url(taken), bundle.version)
        uvicorn.Server(config).run(sockets=[taken])


def loopback(host: str) -> str:
    """The address of `host`. Raises UsageError for one that other machines can reach: there are no access keys yet."""
    try:
        address = ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise UsageError(f"--host {host!r} is no address, expected localhost, 127.0.0.1 or ::1") from None
    if not address.is_loopback:
        raise UsageError(
            f"--host {host} can be reached from other machines, and access keys are not built yet; serve on 127.0.0.1 "
            "and put a reverse proxy that checks who is asking in front of it, on this machine"
        )
    return str(address)


def listen(address: str, port: int) -> socket.socket:
    """A listening socket. Raises UsageError when the port cannot be had."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family)
    except OSError as error:
        raise UsageError(
            f"port {port} of {address} cannot be had ({error.strerror}); choose another with --port"
        ) from None


def url(taken: socket.socket) -> str:
    """Where a listening socket answers."""
    address, port = taken.getsockname()[:2]
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
