from __future__ import annotations

import os
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from kept import NOW, keep, row
from postgres import Postgres
from sqlalchemy import delete, func, inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from pipeline.errors import StoreError
from pipeline.service.store import customers, messages, schema
from pipeline.service.store.connect import connect
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Base, Customer, Feedback, Message


def count(store: Store) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


def test_migrations_and_models_agree(database: str) -> None:
    Store.open(database).close()
    engine = connect(database, create=False)
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert set(inspect(connection).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
        command.check(schema.config(connection))
    engine.dispose()


def test_a_difference_between_models_and_tables_is_noticed(database: str) -> None:
    Store.open(database).close()
    engine = connect(database, create=False)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit ADD COLUMN more VARCHAR(10)"))
        connection.execute(text("DROP INDEX messages_in_time"))
        found = compare_metadata(MigrationContext.configure(connection), Base.metadata)
        assert {each[0] for each in found} == {"remove_column", "add_index"}
    engine.dispose()


def test_opening_twice_changes_nothing(database: str) -> None:
    with closing(Store.open(database)) as made, made.begin() as session:
        keep(session, row("m1", "C-1"))
    store = Store.open(database, create=False)
    assert store.ready()
    assert store.revision() == schema.newest()
    assert count(store) == 1
    store.close()


def test_several_that_open_at_once_make_the_tables_once(database: str) -> None:
    faults: list[Exception] = []

    def opening() -> None:
        try:
            Store.open(database).close()
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=opening) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert faults == []


def test_tables_that_are_missing_or_of_a_newer_nabd_are_refused(database: str) -> None:
    if database.startswith("sqlite"):
        with pytest.raises(StoreError, match="does not exist; make it by `nabd migrate`"):
            Store.open(database, create=False)
        Path(database.removeprefix("sqlite:///")).touch()
    with pytest.raises(StoreError, match=r"has no tables of Nabd, expected revision .*; run `nabd migrate`"):
        Store.open(database, create=False)
    with closing(Store.open(database)) as made, made.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for create in (True, False):
        with pytest.raises(StoreError, match="revision 9999, which this Nabd does not know: a newer one made it"):
            Store.open(database, create=create)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://nabd:secret@host/nabd", "of kind 'mysql' is not known; expected sqlite:///FILE or postgresql"),
        ("no url, but a secret", "is not named by a URL"),
        ("sqlite://", "must be a file of its own"),
        ("sqlite:///:memory:", "must be a file of its own"),
        ("sqlite:////nowhere/at/all/nabd.db", "create it first"),
        ("sqlite:////", "cannot be opened"),
        ("postgresql://nabd:secret@127.0.0.1:1/nabd", "cannot be reached; check that it runs"),
    ],
)
def test_a_database_that_cannot_be_had_is_refused_without_its_password(url: str, message: str) -> None:
    with pytest.raises(StoreError) as error:
        Store.open(url)
    assert message in str(error.value)
    assert "secret" not in str(error.value)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but what someone wrote down once\n" * 100, encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="is damaged or of another kind"):
        Store.open(f"sqlite:///{path}")
    assert path.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'nabd.db'}")
    with store.begin() as session:
        keep(session, row("m1", "C-1"))
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == dict.fromkeys(
        ("nabd.db", "nabd.db-wal", "nabd.db-shm"), "0o600"
    )
    store.close()


def test_a_transaction_is_kept_whole_or_not_at_all(store: Store) -> None:
    def failing() -> None:
        with store.begin() as session:
            keep(session, row("m1", "C-1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert count(store) == 0


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises((StoreError, DBAPIError)), store.read() as session:
        session.execute(text("DELETE FROM messages"))
    with store.begin() as session:
        keep(session, row("m1", "C-1"))
    assert count(store) == 1


def test_a_reader_sees_one_moment_while_a_writer_goes_on(store: Store) -> None:
    with store.read() as before:
        assert messages.page(before, limit=10).items == []
        with store.begin() as session:
            keep(session, row("m1", "C-1"))
        assert messages.page(before, limit=10).items == []
    assert count(store) == 1


def test_two_threads_write_at_once_and_nothing_is_lost(store: Store) -> None:
    faults: list[Exception] = []
    together = threading.Barrier(2)

    def writing(name: str) -> None:
        try:
            together.wait()
            for number in range(10):
                with store.begin() as session:
                    seen = session.scalar(select(func.count()).select_from(Message))
                    keep(session, row(f"{name}-{number}", "C-1"), row("the same", "C-1", channel=f"{name} {seen}"))
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=writing, args=(name,)) for name in ("a", "b")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert faults == []
    assert count(store) == 21


def test_a_writer_waits_for_its_turn_and_says_so_when_it_does_not_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "nabd.db"
    Store.open(f"sqlite:///{path}").close()
    monkeypatch.setattr("pipeline.service.store.connect.PRAGMAS", ("busy_timeout = 200",))
    store = Store.open(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = monotonic()
    with pytest.raises(StoreError, match="in use by another writer for too long; try again"), store.begin() as session:
        keep(session, row("m1", "C-1"))
    assert monotonic() - begun >= 0.2
    assert store.ready()
    other.close()
    store.close()


def test_a_row_that_is_held_for_too_long_is_not_waited_for(
    postgresql: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.service.store.connect.WAIT", 0.2)
    with closing(Store.open(postgresql.url())) as store, store.begin() as first:
        customers.ensure_all(first, ["C-1"])
        with pytest.raises(StoreError, match="in use by another writer for too long"), store.begin() as second:
            customers.ensure_all(second, ["C-1"])


def test_a_customer_who_is_erased_while_a_message_comes_in_is_made_anew(store: Store) -> None:
    with store.begin() as session:
        customers.ensure_all(session, ["C-1", "C-2"])
    waiting = threading.Event()

    def comes_in() -> list[str]:
        waiting.set()
        with store.begin() as session:
            return [each.id for each in customers.ensure_all(session, ["C-2", "C-1"])]

    with ThreadPoolExecutor() as pool:
        with store.begin() as session:
            session.execute(delete(Customer).where(Customer.id == "C-1"))
            found = pool.submit(comes_in)
            assert waiting.wait(10)
            time.sleep(0.3)  # until it waits for the row
        assert found.result(30) == ["C-1", "C-2"]


def test_rows_belong_to_what_they_name(store: Store) -> None:
    with pytest.raises(IntegrityError) as error, store.begin() as session:
        messages.add(session, row("m1", "nobody", text="a word that no error may quote"))
    assert "a word" not in str(error.value)
    with store.begin() as session:
        keep(session, row("m1", "C-1"))
        session.add(Feedback(id="f1", message_id="m1", task="topic", label="refund", actor="a", created_at=NOW))
    with store.begin() as session:
        session.delete(session.get_one(Customer, "C-1"))
    with store.read() as session:
        assert session.get(Message, "m1") is None
        assert session.get(Feedback, "f1") is None


def test_a_server_that_went_away_is_not_ready_and_comes_back(postgresql: Postgres) -> None:
    with closing(Store.open(postgresql.url())) as store:
        assert store.ready()
        postgresql.stop()
        assert not store.ready()
        with pytest.raises(StoreError, match="cannot be reached"), store.begin() as session:
            keep(session, row("m1", "C-1"))
        postgresql.start()
        with store.begin() as session:
            keep(session, row("m1", "C-1"))
        assert count(store) == 1


def test_a_server_that_goes_away_within_a_transaction_fails_it_cleanly(postgresql: Postgres) -> None:
    def interrupted(store: Store) -> None:
        with store.begin() as session:
            keep(session, row("m1", "C-1"))
            postgresql.restart()
            keep(session, row("m2", "C-1"))

    with closing(Store.open(postgresql.url())) as store:
        with pytest.raises(StoreError, match="cannot be reached"):
            interrupted(store)
        assert count(store) == 0
