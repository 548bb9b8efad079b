"""Those who log in to the console."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pipeline.errors import UsageError
from pipeline.service.auth import keys, passwords
from pipeline.service.auth.access import Actor, checked_name, checked_scopes
from pipeline.service.store.tables import User


def create(session: Session, name: str, password: str, scopes: Iterable[str], *, now: datetime | None = None) -> User:
    """Raises UsageError for a name that is taken, a bad name or password, or an unknown scope."""
    trimmed = checked_name(name)
    if session.get(User, trimmed) is not None:
        raise UsageError("a user of that name exists; choose another name, or remove that user first")
    user = User(
        name=trimmed, password=passwords.hashed(password), scopes=checked_scopes(scopes),
        created_at=now or datetime.now(UTC),
    )  # fmt: skip
    session.add(user)
    session.flush()
    return user


def verify(session: Session, name: str, password: str) -> Actor | None:
    """The user, if the password is right; a hash of weaker parameters is then renewed, so the session must write."""
    user = session.get(User, name.strip()) if "\0" not in name else None
    if not passwords.matches(user.password if user else None, password) or user is None:
        return None
    if passwords.is_outdated(user.password):
        user.password = passwords.hashed(password)
    return actor(user)


def actor(user: User) -> Actor:
    return Actor(f"user:{user.name}", user.name, frozenset(user.scopes))


def remove(session: Session, name: str) -> None:
    """Ends the user's logins, too. Raises UsageError when there is no such user, or when the doors would open again."""
    if not keys.any_key(session, but_user=name.strip()) and session.get(User, name.strip()) is not None:
        raise UsageError(
            "this is the last login and there is no key, so that everyone on this machine could do everything again; "
            "make a key first: nabd keys create NAME --scope admin"
        )
    removed = session.scalars(delete(User).where(User.name == name.strip()).returning(User.name)).first()
    if removed is None:
        raise UsageError("there is no user of that name; `nabd users list` shows them")


def listed(session: Session) -> Sequence[User]:
    """Every user, by name."""
    return session.scalars(select(User).order_by(User.name)).all()
