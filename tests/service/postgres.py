"""A real PostgreSQL for the tests: a private cluster in a temporary folder, on a socket that no one else sees.

Where the server is not installed the tests that need it are skipped, with the reason; under CI that is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from pipeline.service.store.engine import Store

VERSIONS = Path("/usr/lib/postgresql")  # where Debian puts its versions
OPTIONS = "-c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=60"
KINDS = ("sqlite", "postgresql")


class Postgres:
    """A running server; `restart` takes its connections away as an update of the system would."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self._programs = folder, programs
        self._numbers = count(1)

    def start(self) -> None:
        self._run("pg_ctl", "-D", "data", "-l", "log", "-w", "-o", f"{OPTIONS} -k {self.folder}", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", "data", "-m", "fast", "-w", "stop")

    def restart(self) -> None:
        self.stop()
        self.start()

    def make(self) -> None:
        self._run("initdb", "-D", "data", "-U", "nabd", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8")

    def url(self) -> str:
        """Of a new, empty schema: that is made much sooner than a database."""
        name = f"nabd_{next(self._numbers)}"
        self._say(f"CREATE SCHEMA {name}")
        return f"postgresql://nabd@/postgres?host={self.folder}&options=-csearch_path%3D{name}"

    def drop(self, url: str) -> None:
        self._say(f"DROP SCHEMA {url.rpartition('%3D')[2]} CASCADE")

    def _say(self, statement: str) -> None:
        with psycopg.connect(host=str(self.folder), user="nabd", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        """As another user where the tests are root's: the server refuses to run as root."""
        user = "postgres" if os.geteuid() == 0 else None
        command = [str(self._programs / program), *arguments]
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL, timeout=60, user=user)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgres]:
    """One server for all tests."""
    programs = _programs()
    if programs is None:
        reason = "the PostgreSQL server is not installed: apt-get install postgresql"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    folder = Path(tempfile.mkdtemp(prefix="nabd-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    server = Postgres(folder, programs)
    try:
        server.make()
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'nabd.db'}"
        return
    server: Postgres = request.getfixturevalue("postgresql")
    url = server.url()
    yield url
    server.drop(url)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """An open, empty store of each kind."""
    opened = Store.open(database)
    yield opened
    opened.close()


def _programs() -> Path | None:
    """The folder of the server's programs, of the newest version."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(VERSIONS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None
