"""How connections are made: what SQLite must be told each time, and which URLs are understood."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from pipeline.errors import StoreError

READS = "nabd_reads"  # an execution option: the transaction only reads
SQLITE = "sqlite"
DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
EXPECTED = "expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
WAIT = 10.0  # seconds for another writer, for a free connection and for an answer from the server
PAUSE = 0.01  # seconds between two tries
CONNECTIONS, MORE = 10, 30  # kept, and opened above that under load: Starlette runs 40 threads
PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",  # what is acknowledged survives a loss of power
    "foreign_keys = ON",
    "secure_delete = ON",  # deleted content is overwritten
    f"busy_timeout = {WAIT * 1000:.0f}",
)


def connect(url: str, *, create: bool) -> Engine:
    """An engine; SQLite's file is made for its owner's eyes only. Raises StoreError for a URL of another kind."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(f"the database is not named by a URL; {EXPECTED}") from None  # it may hold a password
    if parsed.drivername == SQLITE:
        return _sqlite(parsed, create=create)
    if parsed.drivername in DRIVERS:
        return _postgresql(parsed.set(drivername=DRIVERS[parsed.drivername]))
    raise StoreError(f"a database of kind {parsed.drivername!r} is not known; {EXPECTED}")


def named(engine: Engine) -> str:
    """The database without its password."""
    return engine.url.set(drivername=engine.dialect.name).render_as_string(hide_password=True)


def _sqlite(url: URL, *, create: bool) -> Engine:
    if not url.database or url.database == ":memory:" or url.query:
        raise StoreError("a SQLite database must be a file of its own, such as sqlite:///nabd.db")
    _make_file(Path(url.database), create=create)
    arguments: dict[str, Any] = {"timeout": WAIT, "check_same_thread": False, "isolation_level": None}
    engine = create_engine(
        url, connect_args=arguments, hide_parameters=True, pool_size=CONNECTIONS, max_overflow=MORE, pool_timeout=WAIT
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _postgresql(url: URL) -> Engine:
    arguments = {"connect_timeout": round(WAIT), "application_name": "nabd"}
    engine = create_engine(
        url, connect_args=arguments, hide_parameters=True, pool_pre_ping=True, pool_size=CONNECTIONS,
        max_overflow=MORE, pool_timeout=WAIT,
    )  # fmt: skip
    event.listen(engine, "connect", _prepare_postgresql)
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _make_file(path: Path, *, create: bool) -> None:
    if not create and not path.exists():
        raise StoreError(f"the database {path} does not exist; make it by `nabd migrate`")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except FileNotFoundError:
        raise StoreError(f"the folder of the database {path} does not exist; create it first") from None
    except OSError as error:
        raise StoreError(f"the database {path} cannot be opened: {error.strerror}; choose another file") from None


def _prepare(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        _patiently(cursor, f"PRAGMA {pragma}")
    cursor.close()


def _patiently(cursor: sqlite3.Cursor, statement: str) -> None:
    """SQLite itself waits for no one where a new file is turned to its write-ahead log by two at once."""
    until = monotonic() + WAIT
    while True:
        try:
            cursor.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > until:
                raise
            sleep(PAUSE)


def _prepare_postgresql(connection: Any, record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {WAIT * 1000:.0f}")
    connection.commit()


def _begin(connection: Connection) -> None:
    """A writer takes its turn at once: a reader that turned writer later could not wait for it."""
    reads = bool(connection.get_execution_options().get(READS))
    connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if reads else 'OFF'}")
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get(READS):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
