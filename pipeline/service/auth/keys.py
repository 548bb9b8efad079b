"""API keys: `nabd_ID_SECRET`, of which the store keeps the id and a hash of the secret.

The secret has 256 random bits, so a plain SHA-256 of it is enough: there is nothing to guess. Passwords are another
matter, see `passwords`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from pipeline.errors import UsageError
from pipeline.service.auth.access import Actor, checked_name, checked_scopes
from pipeline.service.store.tables import Key, User

OVERLAP = timedelta(hours=24)  # for which a rotated key still works
USED_EVERY = timedelta(minutes=10)  # finer is not written down
_TOKEN = re.compile(r"nabd_([0-9a-f]{12})_([0-9a-f]{64})")
_NO_HASH = "0" * 64


def create(
    session: Session, name: str, scopes: Iterable[str], expires: datetime | None, *, now: datetime | None = None
) -> tuple[Key, str]:
    """A new key and its token, which is not kept and can never be shown again.

    Raises UsageError for an unknown scope, a bad name or an expiry that is past.
    """
    made = now or datetime.now(UTC)
    if expires is not None and expires <= made:
        raise UsageError(f"the key would expire at {expires.isoformat()}, which is past; give a later time")
    id, secret = secrets.token_hex(6), secrets.token_hex(32)
    key = Key(
        id=id, name=checked_name(name), secret=_hash(secret), scopes=checked_scopes(scopes), created_at=made,
        expires_at=expires,
    )  # fmt: skip
    session.add(key)
    session.flush()
    return key, f"nabd_{id}_{secret}"


def check(session: Session, token: str, now: datetime) -> Actor | None:
    """Whose token it is; None for one that is malformed, unknown, revoked or expired. It only reads."""
    match = _TOKEN.fullmatch(token)
    key = session.get(Key, match[1]) if match else None
    is_right = hmac.compare_digest(_hash(match[2] if match else ""), key.secret if key else _NO_HASH)
    if key is None or not is_right or not is_valid(key, now):
        return None
    return Actor(f"key:{key.id}", key.name, frozenset(key.scopes))


def is_valid(key: Key, now: datetime) -> bool:
    """Neither revoked nor expired."""
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


def is_use_due(session: Session, actor: Actor, now: datetime) -> bool:
    """Whether it is long ago that the use of the key was written down."""
    key = session.get(Key, actor.id.removeprefix("key:"))
    return key is not None and (key.used_at is None or now - key.used_at > USED_EVERY)


def used(session: Session, actor: Actor, now: datetime) -> None:
    """Writes down that the key was used, unless that was done a moment ago."""
    if is_use_due(session, actor, now):
        session.get_one(Key, actor.id.removeprefix("key:")).used_at = now


def revoke(session: Session, id: str, now: datetime | None = None) -> Key:
    """The key works no longer. Raises UsageError when there is none of that id."""
    key = _found(session, id)
    key.revoked_at = key.revoked_at or now or datetime.now(UTC)
    session.flush()
    return key


def rotate(session: Session, id: str, *, now: datetime | None = None, overlap: timedelta = OVERLAP) -> tuple[Key, str]:
    """A new key with the name, scopes and lifetime of the old one, which still works for `overlap`.

    Raises UsageError when there is no valid key of that id.
    """
    moment, old = now or datetime.now(UTC), _found(session, id)
    if not is_valid(old, moment):
        raise UsageError(f"key {id} is revoked or expired already; create a new one by `nabd keys create`")
    expires = None if old.expires_at is None else moment + (old.expires_at - old.created_at)
    key, token = create(session, old.name, old.scopes, expires, now=moment)
    end = moment + overlap
    old.expires_at = end if old.expires_at is None else min(end, old.expires_at)
    session.flush()
    return key, token


def listed(session: Session) -> Sequence[Key]:
    """Every key, the oldest first."""
    return session.scalars(select(Key).order_by(Key.created_at, Key.id)).all()


def any_key(session: Session, *, but_user: str = "") -> bool:
    """Whether anyone was ever given a key, or has a login, leaving out `but_user`; an expired key must not open the
    doors again."""
    return bool(session.scalar(select(exists().where(Key.id.is_not(None)) | exists().where(User.name != but_user))))


def _found(session: Session, id: str) -> Key:
    key = session.get(Key, id)
    if key is None:
        raise UsageError("there is no key of that id; `nabd keys list` shows them")
    return key


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
