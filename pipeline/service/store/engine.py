"""The store: one engine, and transactions on it; SQLite and PostgreSQL are made to behave alike."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError
from sqlalchemy.orm import Session

from pipeline.errors import StoreError
from pipeline.service.store.connect import READS, SQLITE, connect, named
from pipeline.service.store.schema import current, ensure_schema

log = logging.getLogger(__name__)
SCRUB = "scrub"  # in `Session.info`: what this transaction deletes must leave nothing in the files


class Store:
    """The database of the service. Safe to share between threads; each transaction has its own connection."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str, *, create: bool = True) -> Self:
        """Opens `sqlite:///FILE` or `postgresql://...`.

        With `create` a missing file is made and the tables are brought up to date. Raises StoreError for a database
        that cannot be reached, that a newer Nabd made or, without `create`, whose tables are missing or old.
        """
        engine = connect(url, create=create)
        try:
            with reporting(engine):
                ensure_schema(engine, change=create)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    @property
    def name(self) -> str:
        """The database, without its password."""
        return named(self._engine)

    def revision(self) -> str | None:
        """Of its tables."""
        with reporting(self._engine):
            return current(self._engine)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """One transaction that may write: all of it is kept on a clean exit, else nothing.

        On SQLite one at a time; a second waits for its turn. Raises StoreError when the database is not to be had.
        """
        with reporting(self._engine):
            with Session(self._engine, expire_on_commit=False) as session, session.begin():
                yield session
            if session.info.get(SCRUB):
                self.scrub()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one moment and waits for no one; the database refuses to write in it."""
        with reporting(self._engine), Session(self._engine, expire_on_commit=False) as session:
            session.connection(execution_options={READS: True})
            yield session

    def ready(self) -> bool:
        """Whether the database answers."""
        try:
            with self._engine.connect() as connection:
                connection.execution_options(**{READS: True}).execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True

    def close(self) -> None:
        self._engine.dispose()

    def scrub(self) -> None:
        """Rewrites the database file, so that nothing of deleted rows is left in free pages or in the log of SQLite.

        On PostgreSQL it vacuums; its write-ahead log and backups are the operator's. Raises StoreError when another
        process holds the old pages.
        """
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM")
            if self._engine.dialect.name == SQLITE:
                busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()
                if busy:
                    raise StoreError(
                        "the rows are deleted, but another process still reads the old pages of the database; "
                        "run `nabd forget` again when it has finished"
                    )


@contextmanager
def reporting(engine: Engine) -> Iterator[None]:
    """Turns a database that cannot be had into a StoreError; neither values nor passwords are in it."""
    try:
        yield
    except TimeoutError:
        raise StoreError("every connection to the database is in use; try again") from None
    except DBAPIError as error:
        if not _is_outage(error):
            raise
        log.error("the database %s: %s", named(engine), type(error.orig).__name__)
        raise StoreError(_advice(engine, error)) from None


def _is_outage(error: DBAPIError) -> bool:
    """Locked, full, gone, or shut down; not a fault of a statement."""
    return error.connection_invalidated or type(error).__name__ in (
        "OperationalError",
        "InterfaceError",
        "DatabaseError",
    )


def _advice(engine: Engine, error: DBAPIError) -> str:
    where = f"the database {named(engine)}"
    said = str(error.orig).lower()
    if any(word in said for word in ("locked", "busy", "deadlock", "lock timeout")):
        return f"{where} is in use by another writer for too long; try again"
    if "full" in said or "no space" in said:
        return f"{where} cannot grow: the disk is full; free some space"
    if "readonly" in said or "read-only" in said:
        return f"{where} may not be written to by this user; change its owner or choose another"
    if "not a database" in said or "malformed" in said:
        return f"{where} is damaged or of another kind; restore it from a backup or name another"
    return f"{where} cannot be reached; check that it runs and that NABD_SERVICE_DATABASE names it"
