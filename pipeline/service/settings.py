"""The settings of the service: the `[service]` table of nabd.toml, each also as NABD_SERVICE_<NAME>."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.drift import RATES
from pipeline.errors import UsageError
from pipeline.settings import read_file, settings_file

PREFIX = "NABD_SERVICE_"
MIB = 1 << 20
CHOICES = {"store_text": ("masked", "raw", "none"), "log_format": ("json", "text")}
URLS = ("webhook_urls", "trace_endpoint")
MAY_BE_ZERO = ("retention_days", "batch_wait_ms", "drift_window")
LARGEST = 1 << 40  # of any number here


def _setting(default: Any, help_line: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"help": help_line}, repr=not secret)


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Secrets are better kept in the environment than in a file; none is shown when the settings are printed."""

    database: str = _setting("sqlite:///nabd.db", "sqlite:///FILE, or postgresql://USER@HOST/NAME", secret=True)
    store_text: str = _setting("masked", "what is kept of a message's text: masked, raw or none")
    retention_days: int = _setting(365, "days after which what was kept is deleted; 0: never")
    uploads: str = _setting("nabd-uploads", "the folder of the files of jobs")
    max_body: int = _setting(32 * MIB, "bytes of a request")
    max_upload: int = _setting(256 * MIB, "bytes of an uploaded export, unpacked")
    body_timeout_ms: int = _setting(
        20_000, "milliseconds of silence in a body, and for all of it, with one more for each 16 bytes"
    )
    batch_size: int = _setting(64, "messages that share a pass of the encoder; half as many share one of a quick model")
    batch_wait_ms: int = _setting(4, "milliseconds that a message waits for others to share its pass")
    queue_size: int = _setting(1024, "messages that may wait; beyond that a request is refused with 429")
    deadline_ms: int = _setting(10_000, "milliseconds after which a request is given up")
    rate_limit: str = _setting("600/minute", "requests of one key")
    logins: str = _setting("10/minute", "tries to log in to the console from one address")
    webhook_urls: tuple[str, ...] = _setting((), "where events are sent: customers at risk, messages escalated")
    webhook_secret: str = _setting("", "signs the events: whsec_ and base64 (Standard Webhooks)", secret=True)
    zendesk_secret: str = _setting("", "checks the webhooks that come from Zendesk", secret=True)
    freshdesk_secret: str = _setting("", "checks the webhooks that come from Freshdesk", secret=True)
    chatwoot_secret: str = _setting("", "checks the webhooks that come from Chatwoot", secret=True)
    zammad_secret: str = _setting("", "checks the webhooks that come from Zammad", secret=True)
    log_format: str = _setting("json", "json, one object a line, or text")
    drift_window: int = _setting(500, "messages, one of a pass, compared with the model's reference at a time; 0: none")
    drift_alarm_rate: float = _setting(0.01, "false alarms of drift among unchanged windows")
    trace_endpoint: str = _setting("", "an OTLP address for traces; empty: none")


NAMES = tuple(entry.name for entry in fields(ServiceSettings))


def load_service_settings(path: Path | None = None, *, environment: Mapping[str, str] = os.environ) -> ServiceSettings:
    """The `[service]` table of the file that `load_settings` reads, then the environment, which beats it.

    Raises UsageError for an unknown key or a value that cannot be used; it never quotes a secret.
    """
    file = settings_file(path, environment)
    content, document = read_file(file)
    table = content.get("service", {})
    if not isinstance(table, dict):
        raise UsageError(f"{document.at('service')}: service must be a table written as [service]")
    unknown = next((key for key in table if key not in NAMES), None)
    if unknown is not None:
        raise UsageError(f"{file.name}: unknown key {unknown!r} in [service], expected one of {', '.join(NAMES)}")
    given = {name: _checked(name, value, f"{file.name}, [service]: {name}") for name, value in table.items()}
    for name in NAMES:
        if value := environment.get(variable := f"{PREFIX}{name.upper()}"):
            given[name] = _checked(name, _parsed(name, value), variable)
    return ServiceSettings(**given)


def _parsed(name: str, value: str) -> Any:
    """What a variable says: numbers in digits, lists with commas."""
    default = ServiceSettings.__dataclass_fields__[name].default
    if isinstance(default, int | float):
        try:
            return type(default)(value)
        except ValueError:
            return value
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(default, tuple) else value


def _checked(name: str, value: Any, where: str) -> Any:
    default = ServiceSettings.__dataclass_fields__[name].default
    if isinstance(default, int):
        return _number(name, value, where)
    if isinstance(default, float):
        return _rate(value, where)
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise UsageError(f"{where} must be a list of addresses")
        for item in value:
            _check_url(item, where)
        return tuple(value)
    if not isinstance(value, str):
        raise UsageError(f"{where} must be text")
    _check_text(name, value, where)
    return value


def _number(name: str, value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"{where} must be a whole number, found {value!r}")
    least = 0 if name in MAY_BE_ZERO else 1
    if not least <= value <= LARGEST:
        raise UsageError(f"{where} is {value}, expected {least} to {LARGEST}")
    return value


def _rate(value: Any, where: str) -> float:
    low, high = RATES
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise UsageError(f"{where} is {value!r}, expected a number from {low} to {high}")
    return float(value)


def _check_text(name: str, value: str, where: str) -> None:
    if name in CHOICES and value not in CHOICES[name]:
        raise UsageError(f"{where} is {value!r}, expected one of {', '.join(CHOICES[name])}")
    if name in URLS and value:
        _check_url(value, where)
    if name in ("database", "uploads") and not value:
        raise UsageError(f"{where} is empty; leave it out for its default")


def _check_url(value: str, where: str) -> None:
    """An address may hold a token, so it is not quoted."""
    try:
        parts = urlsplit(value)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_one = False
    if not is_one:
        raise UsageError(f"{where} holds what is no address, expected one that begins with https://")
