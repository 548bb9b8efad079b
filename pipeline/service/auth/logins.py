"""Sessions of the console: a random cookie, of which the store keeps a hash."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from pipeline.service.auth import users
from pipeline.service.auth.access import Actor
from pipeline.service.store.tables import Login, User

COOKIE = "nabd_login"  # its name
LASTS = timedelta(hours=12)


def open(session: Session, user: str, *, now: datetime | None = None) -> str:
    """Logs a user in, by name; returns the cookie's value, which is kept nowhere. It is good for `LASTS`."""
    cookie = secrets.token_urlsafe(32)
    session.add(Login(id=_hash(cookie), user=user, expires_at=(now or datetime.now(UTC)) + LASTS))
    session.flush()
    return cookie


def check(session: Session, cookie: str, now: datetime | None = None) -> Actor | None:
    """Who is logged in; None for a cookie that is unknown or too old. It only reads."""
    login = session.get(Login, _hash(cookie))
    if login is None or login.expires_at <= (now or datetime.now(UTC)):
        return None
    user = session.get(User, login.user)
    return None if user is None else users.actor(user)


def close(session: Session, cookie: str) -> None:
    """Logs out."""
    session.execute(delete(Login).where(Login.id == _hash(cookie)))


def _hash(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
