from __future__ import annotations

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from kept import NOW, days
from sqlalchemy import select

from pipeline.errors import UsageError
from pipeline.service.auth import keys, logins, passwords, users
from pipeline.service.auth.access import SCOPES, Actor, checked_scopes
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Key, Login, User

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weak parameters, which the tests of the strong ones do not use."""
    monkeypatch.setattr(passwords, "_hasher", lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def test_a_token_is_its_keys_and_is_not_kept(store: Store) -> None:
    with store.begin() as session:
        key, token = keys.create(session, " helpdesk ", ["read", "score", "read"], None, now=NOW)
        assert (key.name, key.scopes) == ("helpdesk", ["score", "read"])
    with store.read() as session:
        assert keys.check(session, token, NOW) == Actor(f"key:{key.id}", "helpdesk", frozenset({"score", "read"}))
        kept = repr({name: value for name, value in vars(session.get_one(Key, key.id)).items()})
    assert token.startswith(f"nabd_{key.id}_")
    assert len(token.rpartition("_")[2]) == 64
    assert token.rpartition("_")[2] not in kept


def test_a_token_that_is_not_quite_right_is_nobodys(store: Store) -> None:
    with store.begin() as session:
        key, token = keys.create(session, "a", ["score"], None, now=NOW)
        _, other = keys.create(session, "b", ["admin"], None, now=NOW)
    secret = token.rpartition("_")[2]
    wrong = [
        "", "nabd", token[:-1], f"{token}0", token.upper(), f" {token}", f"{token}\n", f"nabd_{'0' * 12}_{secret}",
        f"nabd_{key.id}_{other.rpartition('_')[2]}", f"nabd_{key.id}_{'0' * 64}", f"nabd_{key.id}_{key.secret}",
        "ك" * 82,
    ]  # fmt: skip
    with store.read() as session:
        assert [keys.check(session, each, NOW) for each in wrong] == [None] * len(wrong)


def test_a_key_works_until_it_expires_or_is_revoked(store: Store) -> None:
    with store.begin() as session:
        key, token = keys.create(session, "a", ["score"], NOW + days(1), now=NOW)
        assert keys.check(session, token, NOW + days(1) - timedelta(seconds=1)) is not None
        assert keys.check(session, token, NOW + days(1)) is None
        keys.revoke(session, key.id, NOW + timedelta(hours=1))
        assert keys.check(session, token, NOW + timedelta(hours=2)) is None
        assert keys.revoke(session, key.id, NOW + days(9)).revoked_at == NOW + timedelta(hours=1)
        assert [each.id for each in keys.listed(session)] == [key.id]


def test_a_rotated_key_hands_over(store: Store) -> None:
    with store.begin() as session:
        old, before = keys.create(session, "a", ["score", "read"], NOW + days(30), now=NOW)
        new, after = keys.rotate(session, old.id, now=NOW + days(10), overlap=timedelta(hours=2))
        assert (new.name, new.scopes, new.expires_at) == ("a", ["score", "read"], NOW + days(40))
        for token, hours, works in ((before, 1, True), (before, 3, False), (after, 3, True)):
            assert (keys.check(session, token, NOW + days(10) + timedelta(hours=hours)) is not None) == works
        assert old.expires_at == NOW + days(10) + timedelta(hours=2)
        with pytest.raises(UsageError, match="revoked or expired already"):
            keys.rotate(session, old.id, now=NOW + days(11))
        with pytest.raises(UsageError, match="there is no key of that id"):
            keys.rotate(session, "nothing")
        forever, _ = keys.create(session, "b", ["read"], None, now=NOW)
        soon, _ = keys.create(session, "c", ["read"], NOW + timedelta(hours=1), now=NOW)
        assert keys.rotate(session, forever.id, now=NOW)[0].expires_at is None
        keys.rotate(session, soon.id, now=NOW)
        assert soon.expires_at == NOW + timedelta(hours=1)


def test_the_use_of_a_key_is_written_down_now_and_then(store: Store) -> None:
    with store.begin() as session:
        key, token = keys.create(session, "a", ["score"], None, now=NOW)
        actor = keys.check(session, token, NOW)
        assert actor is not None
        for minutes, expected in ((0, 0), (5, 0), (11, 11)):
            keys.used(session, actor, NOW + timedelta(minutes=minutes))
            assert key.used_at == NOW + timedelta(minutes=expected)
        keys.used(session, Actor("local", "local", frozenset()), NOW)


@pytest.mark.parametrize(
    ("name", "scopes", "message"),
    [
        ("a", [], "no scope is given, expected some of score, read, write, admin"),
        ("a", ["score", "all"], "'all' is no scope"),
        ("", ["score"], "a name must have 1 to 100 characters"),
        ("a" * 101, ["score"], "a name must have"),
        ("a\nb", ["score"], "none of them a control character"),
    ],
)
def test_a_key_that_cannot_be_is_refused(store: Store, name: str, scopes: list[str], message: str) -> None:
    with store.begin() as session, pytest.raises(UsageError) as error:
        keys.create(session, name, scopes, None)
    assert message in str(error.value)


def test_a_key_that_is_over_before_it_begins_is_refused(store: Store) -> None:
    with store.begin() as session, pytest.raises(UsageError, match="which is past; give a later time"):
        keys.create(session, "a", ["score"], NOW, now=NOW)


def test_the_doors_do_not_open_again_when_keys_expire(store: Store) -> None:
    with store.begin() as session:
        assert not keys.any_key(session)
        key, _ = keys.create(session, "a", ["score"], NOW + days(1), now=NOW)
        keys.revoke(session, key.id)
    with store.read() as session:
        assert keys.any_key(session)


def test_a_user_closes_the_doors_too(store: Store) -> None:
    with store.begin() as session:
        users.create(session, "lina", PASSWORD, ["read"])
        assert keys.any_key(session)


def test_the_last_login_stays_until_there_is_a_key(store: Store) -> None:
    with store.begin() as session:
        users.create(session, "lina", PASSWORD, ["read"])
        users.create(session, "omid", PASSWORD, ["read"])
        users.remove(session, "omid")
        with pytest.raises(UsageError, match="make a key first"):
            users.remove(session, "lina")
        keys.create(session, "a", ["admin"], None)
        users.remove(session, "lina")
        assert keys.any_key(session)


def test_an_admin_may_do_everything() -> None:
    assert all(Actor("a", "a", frozenset({"admin"})).may(scope) for scope in SCOPES)
    assert [scope for scope in SCOPES if Actor("a", "a", frozenset({"read"})).may(scope)] == ["read"]
    assert checked_scopes(["admin", "score"]) == ["score", "admin"]


@pytest.mark.parametrize("name", ["lina", "لينا", "علی\u200cرضا"])
def test_a_user_logs_in_by_password(store: Store, name: str) -> None:
    with store.begin() as session:
        users.create(session, name, PASSWORD, ["write", "read"], now=NOW)
        assert users.verify(session, f" {name} ", PASSWORD) == Actor(f"user:{name}", name, frozenset({"read", "write"}))
        for given, password in ((name, PASSWORD.upper()), (name, ""), ("nobody", PASSWORD), (name, "x" * 5_000)):
            assert users.verify(session, given, password) is None
        with pytest.raises(UsageError, match="a user of that name exists"):
            users.create(session, name, PASSWORD, ["read"])
        assert [each.name for each in users.listed(session)] == [name]
        assert PASSWORD not in session.get_one(User, name).password


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 1_001])
def test_a_password_has_a_length(store: Store, password: str) -> None:
    with store.begin() as session, pytest.raises(UsageError, match="characters, expected 12 to 1,000") as error:
        users.create(session, "lina", password, ["read"])
    assert not password or password not in str(error.value)


def test_a_hash_of_weaker_parameters_is_renewed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.begin() as session:
        users.create(session, "lina", PASSWORD, ["read"])
        before = session.get_one(User, "lina").password
        monkeypatch.setattr(passwords, "_hasher", lambda: PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
        assert users.verify(session, "lina", "wrong") is None
        assert session.get_one(User, "lina").password == before
        assert users.verify(session, "lina", PASSWORD) is not None
        assert session.get_one(User, "lina").password != before
        assert users.verify(session, "lina", PASSWORD) is not None


def test_passwords_are_hashed_by_argon2id_as_strongly_as_its_library_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    kept = passwords.hashed(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.matches(kept, PASSWORD)
    assert not passwords.matches(kept, "something else")
    assert not passwords.is_outdated(kept)


def test_nobody_has_no_password() -> None:
    assert not passwords.matches(None, "nobody logs in with this")
    assert not passwords.matches("", PASSWORD)
    assert not passwords.matches("not a hash", PASSWORD)


def test_a_login_lasts_until_it_is_closed_or_old(store: Store) -> None:
    with store.begin() as session:
        users.create(session, "lina", PASSWORD, ["read"], now=NOW)
        first, second = (logins.open(session, "lina", now=NOW) for _ in range(2))
        kept = set(session.scalars(select(Login.id)))
    assert first != second
    assert not {first, second} & kept
    with store.begin() as session:
        late = NOW + logins.LASTS
        assert logins.check(session, first, late - timedelta(seconds=1)) == users.verify(session, "lina", PASSWORD)
        assert logins.check(session, first, late) is None
        for wrong in ("", first[:-1], *kept, "سلام"):
            assert logins.check(session, wrong, NOW) is None
        logins.close(session, first)
        assert logins.check(session, first, NOW) is None
        assert logins.check(session, second, NOW) is not None


def test_a_user_who_is_removed_is_out_at_once(store: Store) -> None:
    with store.begin() as session:
        keys.create(session, "a", ["admin"], None, now=NOW)
        users.create(session, "lina", PASSWORD, ["read"], now=NOW)
        cookie = logins.open(session, "lina", now=NOW)
    with store.begin() as session:
        users.remove(session, "lina")
        with pytest.raises(UsageError, match="there is no user of that name"):
            users.remove(session, "lina")
    with store.read() as session:
        assert logins.check(session, cookie, NOW) is None
        assert users.verify(session, "lina", PASSWORD) is None
