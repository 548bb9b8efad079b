"""The tables of a database brought to what `tables.py` says, by Alembic, with its migrations inside the package."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from pipeline.errors import StoreError
from pipeline.service.store.connect import READS, named

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x4E616264  # of PostgreSQL, so that of two processes that start at once one migrates


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration; it needs no file."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def newest() -> str:
    """The revision that this Nabd works with."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    assert head is not None  # nosec B101 # for the types: the migrations ship with the code
    return head


def current(engine: Engine) -> str | None:
    """The revision of the database, None for one without tables of Nabd."""
    with engine.connect().execution_options(**{READS: True}) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def ensure_schema(engine: Engine, *, change: bool) -> None:
    """Brings the tables up to date if `change` and they are not. Raises StoreError where that is not possible."""
    found, wanted = current(engine), newest()
    if found == wanted:
        return
    if found is not None and found not in {
        each.revision for each in ScriptDirectory.from_config(config()).walk_revisions()
    }:
        raise StoreError(
            f"the database {named(engine)} is at revision {found}, which this Nabd does not know: a newer one made it; "
            "install that, or name another database"
        )
    if not change:
        state = f"is at revision {found}" if found else "has no tables of Nabd"
        raise StoreError(f"the database {named(engine)} {state}, expected revision {wanted}; run `nabd migrate`")
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        command.upgrade(config(connection), "head")
