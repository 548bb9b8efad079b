"""`nabd doctor`: is everything that the service needs in order? Each answer says what to do."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table
from rich.text import Text

from pipeline import bundle as bundles
from pipeline.errors import NabdError
from pipeline.records import Message
from pipeline.score import score
from pipeline.service.limiting import Limit
from pipeline.service.serve import OPEN, check_keys, parse_address
from pipeline.service.settings import ServiceSettings
from pipeline.service.store.engine import Store
from pipeline.service.webhooks.signing import check_urls, signer
from pipeline.settings import Settings, model_folder

PRIVATE = stat.S_IRWXG | stat.S_IRWXO  # what others may not have on the uploads


class Fault(Exception):
    """What is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `good` is False where something must be done."""

    what: str
    good: bool
    detail: str


def examine(settings: Settings, service: ServiceSettings, *, host: str) -> list[Finding]:
    """Everything in turn; nothing is changed."""
    checks: dict[str, Callable[[], str]] = {
        "settings": lambda: _settings(settings, service),
        "model": lambda: _model(settings),
        "store": lambda: _store(service),
        "uploads": lambda: _uploads(Path(service.uploads)),
        "access": lambda: _access(service, host),
    }
    return [_finding(what, check) for what, check in checks.items()]


def render_findings(findings: list[Finding]) -> Table:
    """A row a finding."""
    table = Table("", "", "", box=None, pad_edge=False, show_header=False)
    for each in findings:
        table.add_row(each.what, Text("good", "green") if each.good else Text("fault", "bold red"), Text(each.detail))
    return table


def _finding(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, check())
    except (NabdError, Fault) as error:
        return Finding(what, False, str(error))


def _settings(settings: Settings, service: ServiceSettings) -> str:
    Limit(service.rate_limit, "rate_limit")
    Limit(service.logins, "logins")
    if service.webhook_urls:
        check_urls(service.webhook_urls)
        signer(service.webhook_secret)
    return f"{settings.source}: {len(settings.routes)} routes"


def _model(settings: Settings) -> str:
    bundle = bundles.load(model_folder(settings.model, settings.tracking), threads=settings.threads)
    (scored,) = score([Message("warm up")], bundle, settings.routes)
    return f"{scored.model}: every hash verified, and it scores"


def _store(service: ServiceSettings) -> str:
    with closing(Store.open(service.database, create=False)) as store, store.read():
        return "reached, its tables up to date"


def _uploads(folder: Path) -> str:
    if not folder.exists():
        parent = folder.absolute().parent
        if not os.access(parent, os.W_OK | os.X_OK):
            raise Fault(f"{folder} does not exist and cannot be made in {parent}; set `uploads` to a folder that can")
        return f"{folder} will be made when it is needed"
    if not folder.is_dir():
        raise Fault(f"{folder} is not a folder; set `uploads` to one")
    if os.name == "posix" and folder.stat().st_mode & PRIVATE:
        raise Fault(f"other users of this machine may look into {folder}; run: chmod 700 {folder}")
    try:
        with tempfile.TemporaryFile(dir=folder):
            return f"{folder} is writable, and private"
    except OSError as error:
        raise Fault(f"{folder} cannot be written to ({error.strerror}); give it to the user of the service") from None


def _access(service: ServiceSettings, host: str) -> str:
    _, local = parse_address(host)
    with closing(Store.open(service.database, create=False)) as store:
        guarded = check_keys(store, host, local=local)
    if not local:
        return f"{host} is public, and a key is needed"
    return f"{host} is reached from this machine alone" + ("" if guarded else f"; there is no key: {OPEN}")
