from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from kept import NOW, keep, row
from typer.testing import CliRunner

from pipeline.errors import StoreError, UsageError
from pipeline.service.auth import keys, users
from pipeline.service.auth.administer import expiry
from pipeline.service.store import schema
from pipeline.service.store.commands import store_commands
from pipeline.service.store.engine import Store

WIDE = {"COLUMNS": "200"}


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    store_commands(made)
    return made


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NABD_SERVICE_DATABASE", found := f"sqlite:///{tmp_path / 'nabd.db'}")
    return found


def said(app: typer.Typer, *words: str, input: str | None = None) -> tuple[str, str]:
    """What a command writes to stdout and to stderr; its errors are raised."""
    result = CliRunner().invoke(app, list(words), input=input, env=WIDE, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_a_key_is_shown_once_and_works_until_revoked(app: typer.Typer, url: str) -> None:
    out, errors = said(app, "keys", "create", "helpdesk", "--scope", "score", "--scope", "read", "--expires", "90d")
    token, id = out.strip(), out.split("_")[1]
    assert f"key {id} may score, read until " in errors
    assert token not in errors
    listed, _ = said(app, "keys", "list")
    assert (id in listed, "helpdesk" in listed, "valid" in listed, token.split("_")[2] in listed) == (
        True, True, True, False,
    )  # fmt: skip
    out, errors = said(app, "keys", "rotate", id, "--overlap", "0")
    assert f"{id} works no longer" in errors
    said(app, "keys", "revoke", new := out.split("_")[1])
    store = Store.open(url)
    with store.read() as session:
        assert [keys.check(session, each, datetime.now(UTC)) for each in (token, out.strip())] == [None, None]
    store.close()
    listed, _ = said(app, "keys", "list")
    assert [line.split()[0] for line in listed.splitlines() if "expired" in line or "revoked" in line] == [id, new]


def test_nothing_to_list_is_said(app: typer.Typer, url: str) -> None:
    assert said(app, "keys", "list")[0] == "no key has been made\n"
    assert said(app, "users", "list")[0] == "no user has been added\n"


def test_a_users_password_comes_from_standard_input(app: typer.Typer, url: str) -> None:
    said(app, "users", "create", "lina", "--scope", "read", input="a long password\r\nand more\n")
    store = Store.open(url)
    with store.begin() as session:
        assert users.verify(session, "lina", "a long password") is not None
    store.close()
    assert "lina" in said(app, "users", "list")[0]
    with pytest.raises(UsageError, match="make a key first"):
        said(app, "users", "remove", "lina")
    said(app, "keys", "create", "first", "--scope", "admin")
    said(app, "users", "remove", "lina")
    assert "lina" not in said(app, "users", "list")[0]
    with pytest.raises(UsageError, match="the password has 0 characters"):
        said(app, "users", "create", "lina", "--scope", "read", input="")


def test_no_option_takes_a_password_or_a_token(app: typer.Typer) -> None:
    for words in (["keys", "create"], ["keys", "rotate"], ["users", "create"]):
        shown = CliRunner().invoke(app, [*words, "--help"], env=WIDE).output
        assert "--password" not in shown
        assert "--token" not in shown


def test_a_customer_is_forgotten(app: typer.Typer, url: str) -> None:
    store = Store.open(url)
    with store.begin() as session:
        keep(session, row("m1", "C-1042"), row("m2", "C-1042"))
    store.close()
    assert said(app, "forget", "--customer", "C-1042")[0] == "erased: 2 messages\n"
    assert said(app, "forget", "--customer", "C-1042")[0] == "nothing was kept of this customer\n"
    with sqlite3.connect(url.removeprefix("sqlite:///")) as plain:
        assert plain.execute("SELECT actor, action FROM audit ORDER BY id").fetchall()[0] == (
            "command line", "customer.forget",
        )  # fmt: skip
    plain.close()


def test_migrate_makes_the_tables(app: typer.Typer, url: str) -> None:
    with pytest.raises(StoreError, match="nabd migrate"):
        Store.open(url, create=False)
    assert said(app, "migrate")[0] == f"{url} is up to date, at revision {schema.newest()}\n"
    Store.open(url, create=False).close()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("90d", "2026-08-30T12:00:00+00:00"),
        ("12h", "2026-06-02T00:00:00+00:00"),
        ("2026-10-31", "2026-10-31T23:59:59.999999+00:00"),
        ("2026-10-31T10:00", "2026-10-31T10:00:00+00:00"),
        ("2026-10-31T10:00+03:30", "2026-10-31T10:00:00+03:30"),
    ],
)
def test_an_expiry_is_read(given: str, expected: str) -> None:
    assert expiry(given, NOW).isoformat() == expected


@pytest.mark.parametrize("given", ["soon", "", "90", "90w", "1000000d", "2026-13-01"])
def test_an_expiry_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="--expires: expected a day, a time or such as 90d"):
        expiry(given, NOW)


def test_the_commands_import_nothing_of_the_service() -> None:
    code = (
        "import sys, typer; from pipeline.service.store.commands import store_commands; store_commands(typer.Typer());"
        "print({'sqlalchemy', 'alembic', 'argon2', 'fastapi'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
