"""What the command line does with keys and users."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.errors import UsageError
from pipeline.run import PLAIN
from pipeline.service.auth import keys, users
from pipeline.service.store import audit
from pipeline.service.store.administer import ACTOR, opened
from pipeline.service.store.tables import Key

_SPAN = re.compile(r"(\d{1,5})([dh])")


def create_key(settings: Path | None, name: str, scopes: Sequence[str], expires: str | None) -> tuple[str, str]:
    """The token, and a line on the key."""
    now = datetime.now(UTC)
    end = expiry(expires, now) if expires else None
    with opened(settings) as (store, _), store.begin() as session:
        key, token = keys.create(session, name, scopes, end, now=now)
        audit.note(session, actor=ACTOR, action="key.create", target=key.id, now=now, scopes=key.scopes)
    return token, f"key {key.id} may {', '.join(key.scopes)}{_until(key)}; its token cannot be shown again:"


def list_keys(settings: Path | None) -> None:
    """Prints a table of them."""
    now = datetime.now(UTC)
    with opened(settings) as (store, _), store.read() as session:
        found = keys.listed(session)
    rows = [
        [key.id, key.name, ", ".join(key.scopes), _state(key, now), _day(key.created_at), _day(key.expires_at),
         _day(key.used_at)]
        for key in found
    ]  # fmt: skip
    _print(("id", "name", "scopes", "state", "made", "expires", "last used"), rows, "no key has been made")


def revoke_key(settings: Path | None, id: str) -> None:
    now = datetime.now(UTC)
    with opened(settings) as (store, _), store.begin() as session:
        keys.revoke(session, id, now)
        audit.note(session, actor=ACTOR, action="key.revoke", target=id, now=now)


def rotate_key(settings: Path | None, id: str, hours: int) -> tuple[str, str]:
    """The new token, and a line on the keys."""
    now = datetime.now(UTC)
    with opened(settings) as (store, _), store.begin() as session:
        key, token = keys.rotate(session, id, now=now, overlap=timedelta(hours=hours))
        audit.note(session, actor=ACTOR, action="key.rotate", target=id, now=now, to=key.id)
    old = f"{id} works for {hours} more hours" if hours else f"{id} works no longer"
    return token, f"key {key.id} may {', '.join(key.scopes)}{_until(key)}; {old}; the token cannot be shown again:"


def create_user(settings: Path | None, name: str, password: str, scopes: Sequence[str]) -> None:
    now = datetime.now(UTC)
    with opened(settings) as (store, _), store.begin() as session:
        user = users.create(session, name, password, scopes, now=now)
        audit.note(session, actor=ACTOR, action="user.create", target=user.name, now=now, scopes=user.scopes)


def list_users(settings: Path | None) -> None:
    """Prints a table of them."""
    with opened(settings) as (store, _), store.read() as session:
        found = users.listed(session)
    rows = [[user.name, ", ".join(user.scopes), _day(user.created_at)] for user in found]
    _print(("name", "scopes", "made"), rows, "no user has been added")


def remove_user(settings: Path | None, name: str) -> None:
    now = datetime.now(UTC)
    with opened(settings) as (store, _), store.begin() as session:
        users.remove(session, name)
        audit.note(session, actor=ACTOR, action="user.remove", target=name.strip(), now=now)


def expiry(given: str, now: datetime) -> datetime:
    """`90d` or `12h` from now, or the end of a day, or a time; UTC where it has no offset. Raises UsageError."""
    if span := _SPAN.fullmatch(given.strip()):
        return now + timedelta(**{"days" if span[2] == "d" else "hours": int(span[1])})
    try:
        moment = datetime.fromisoformat(given.strip())
    except ValueError:
        raise UsageError(f"--expires: expected a day, a time or such as 90d, found {given!r}") from None
    if len(given.strip()) <= len("2026-10-31"):
        moment = datetime.combine(moment, time.max)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _state(key: Key, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "valid" if keys.is_valid(key, now) else "expired"


def _until(key: Key) -> str:
    return f" until {key.expires_at.isoformat(timespec='minutes')}" if key.expires_at else ""


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""


def _print(header: Iterable[str], rows: Sequence[Sequence[str]], nothing: str) -> None:
    console = Console(**PLAIN)
    if not rows:
        console.print(nothing)
        return
    table = Table(*header, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
