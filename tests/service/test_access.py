"""Who may ask: keys and their scopes, this machine's own user, logins of the console, and how often."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from served import HERE, NOW, Headers, MakeApp

from pipeline.service import keyring
from pipeline.service.auth import keys, logins, tokens, users
from pipeline.service.auth.access import Actor
from pipeline.service.settings import ServiceSettings
from pipeline.service.store.engine import Store

BODY = {"messages": [{"text": "where is my order"}]}


@pytest.fixture
def database(tmp_path: Path) -> str:
    """One kind is enough: the keys themselves are tested in both."""
    return f"sqlite:///{tmp_path / 'nabd.db'}"


def status(client: TestClient, headers: dict[str, str] | None = None, **options: Any) -> int:
    return client.post("/v1/score", json=BODY, headers=headers, **options).status_code


def test_without_a_key_this_machines_user_may_do_everything(client: TestClient) -> None:
    assert status(client) == 200
    assert client.get("/metrics").status_code == 200
    assert client.post("/v1/models/reload").status_code == 200


def test_a_service_for_others_answers_nobody_without_a_key(make_app: MakeApp, store: Store) -> None:
    with TestClient(make_app(store=store, local=False), base_url=HERE) as client:
        answer = client.post("/v1/score", json=BODY)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
        assert [client.get(path).status_code for path in ("/v1/models", "/metrics")] == [401, 401]
        assert [client.get(path).status_code for path in ("/health", "/ready", "/openapi.json")] == [200] * 3


def test_once_there_is_a_key_everyone_needs_one(
    service_app: FastAPI, key_headers: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "LIFE", 0.0)
    with TestClient(service_app, base_url=HERE) as client:
        assert status(client) == 200
        headers = key_headers("score")
        assert (status(client), status(client, headers)) == (401, 200)


@pytest.mark.parametrize(
    ("scopes", "path", "code"),
    [
        (["score"], "/v1/models", 200),
        (["score"], "/metrics", 403),
        (["read"], "/metrics", 200),
        (["read", "write"], "/v1/models", 403),
        (["admin"], "/v1/models", 200),
        (["admin"], "/metrics", 200),
    ],
)
def test_a_key_opens_what_its_scopes_name(
    client: TestClient, key_headers: Headers, scopes: list[str], path: str, code: int
) -> None:
    assert client.get(path, headers=key_headers(*scopes)).status_code == code


def test_only_an_admin_reloads_the_model(client: TestClient, key_headers: Headers) -> None:
    assert client.post("/v1/models/reload", headers=key_headers("score", "read", "write")).status_code == 403
    assert client.post("/v1/models/reload", headers=key_headers("admin")).status_code == 200


def test_revoked_expired_altered_and_foreign_keys_do_not_count(
    client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "LIFE", 0.0)
    with store.begin() as session:
        key, token = keys.create(session, "one", ["score"], NOW + timedelta(days=1), now=NOW)
        _, expired = keys.create(session, "two", ["score"], NOW - timedelta(1), now=NOW - timedelta(2))
    assert status(client, {"Authorization": f"Bearer {token}"}) == 200
    assert status(client, {"Authorization": f"bearer {token}"}) == 200
    changed = token[:-1] + ("0" if token[-1] != "0" else "1")
    for wrong in (changed, expired, token[:-1], "nabd_", "", "x" * 9000):
        assert status(client, {"Authorization": f"Bearer {wrong}"}) == 401
    assert status(client, {"Authorization": f"Basic {token}"}) == 401
    with store.begin() as session:
        keys.revoke(session, key.id, NOW)
    assert status(client, {"Authorization": f"Bearer {token}"}) == 401


def test_a_known_key_is_remembered_for_seconds_alone(
    client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.begin() as session:
        key, token = keys.create(session, "one", ["score"], None, now=NOW)
    headers, time = {"Authorization": f"Bearer {token}"}, [100.0]
    monkeypatch.setattr(keyring, "monotonic", lambda: time[0])
    assert status(client, headers) == 200
    with store.begin() as session:
        keys.revoke(session, key.id, NOW)
    time[0] += keyring.LIFE - 0.1
    assert status(client, headers) == 200
    time[0] += 0.2
    assert status(client, headers) == 401


def test_a_key_that_is_used_often_waits_for_no_writer(
    client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.begin() as session:
        _, token = keys.create(session, "one", ["score"], None, now=NOW)
    headers, time, written = {"Authorization": f"Bearer {token}"}, [100.0], []
    used = keys.used
    monkeypatch.setattr(keyring, "monotonic", lambda: time[0])
    monkeypatch.setattr(keys, "used", lambda *given: written.append(time[0]) or used(*given))
    for _ in range(3):
        assert status(client, headers) == 200
        time[0] += keyring.LIFE + 0.1
    assert written == [100.0], "that the key is used is written down once"


def test_a_crowd_shares_one_lookup_of_a_key(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.begin() as session:
        _, token = keys.create(session, "one", ["score"], None, now=NOW)
    asked: list[str] = []

    def check(*_: Any) -> Actor:
        asked.append("key")
        sleep(0.1)  # as long as a store may take
        return Actor("1", "one", frozenset({"score"}))

    def any_key(*_: Any) -> bool:
        asked.append("any")
        sleep(0.1)
        return True

    monkeypatch.setattr(keys, "check", check)
    monkeypatch.setattr(keys, "any_key", any_key)

    async def crowd() -> None:
        ring = keyring.Keyring(store, lambda: NOW)
        actors = await asyncio.gather(*(ring.actor(token) for _ in range(64)))
        empty = await asyncio.gather(*(ring.is_empty() for _ in range(64)))
        assert [actor and actor.name for actor in actors] == ["one"] * 64
        assert empty == [False] * 64

    asyncio.run(crowd())
    assert asked == ["key", "any"]


def test_one_of_a_crowd_that_leaves_does_not_take_the_lookup_along(store: Store) -> None:
    with store.begin() as session:
        _, token = keys.create(session, "one", ["score"], None, now=NOW)

    async def crowd() -> None:
        ring = keyring.Keyring(store, lambda: NOW)
        gone, *others = [asyncio.create_task(ring.actor(token)) for _ in range(3)]
        await asyncio.sleep(0)
        gone.cancel()
        found = await asyncio.gather(*others)
        assert [actor and actor.name for actor in found] == ["one", "one"]
        assert gone.cancelled()

    asyncio.run(crowd())


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},  # its name was made to mean 127.0.0.1 (DNS rebinding)
        {"host": "localhost.evil.example"},
        {"host": "192.168.1.7:8000"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_page_of_another_site_is_not_this_machines_user(client: TestClient, headers: dict[str, str]) -> None:
    assert status(client, headers) == 401


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Via"])
def test_what_a_proxy_passed_on_is_not_this_machines_user(client: TestClient, name: str) -> None:
    assert status(client, {name: "203.0.113.7"}) == 401


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "127.3.2.1"])
def test_this_machine_by_any_of_its_names_is(client: TestClient, host: str) -> None:
    assert status(client, {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}) == 200


def test_no_other_site_may_read_an_answer(client: TestClient) -> None:
    origin = {"origin": "https://evil.example"}
    asked = {**origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    for answer in (client.get("/v1/models", headers=origin), client.options("/v1/score", headers=asked)):
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert client.options("/v1/score", headers=asked).status_code == 405


def test_a_login_reads_and_writes_only_with_the_token_of_its_forms(client: TestClient, store: Store) -> None:
    with store.begin() as session:
        users.create(session, "lina", "a long enough password", ["score", "read"], now=NOW)
        cookie = logins.open(session, "lina", now=NOW)
    client.cookies.set(logins.COOKIE, cookie)
    assert client.get("/v1/models").status_code == 200
    assert status(client) == 401
    assert status(client, {tokens.HEADER: tokens.token("another")}) == 401
    assert status(client, {tokens.HEADER: tokens.token(cookie)}) == 200
    assert client.post("/v1/models/reload", headers={tokens.HEADER: tokens.token(cookie)}).status_code == 403
    client.cookies.clear()
    assert client.get("/v1/models").status_code == 401


def test_a_key_may_ask_so_often_and_is_told_what_is_left(
    make_app: MakeApp, store: Store, service_settings: ServiceSettings, key_headers: Headers
) -> None:
    app = make_app(store=store, service=replace(service_settings, rate_limit="3/minute"))
    own, other = key_headers("score"), key_headers("score")
    with TestClient(app, base_url=HERE) as client:
        answers = [client.post("/v1/score", json=BODY, headers=own) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == '"rate_limit";q=3;w=60'
        assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
        assert 1 <= int(answers[3].headers["retry-after"]) <= 60
        assert status(client, other) == 200


def test_who_guesses_keys_is_stopped(
    make_app: MakeApp, store: Store, service_settings: ServiceSettings, key_headers: Headers
) -> None:
    app = make_app(store=store, service=replace(service_settings, rate_limit="3/minute"))
    own = key_headers("score")
    with TestClient(app, base_url=HERE) as client:
        assert status(client, own) == 200
        guesses = [status(client, {"Authorization": f"Bearer nabd_{n:012x}_{n:064x}"}) for n in range(4)]
        assert guesses == [401, 401, 401, 429]
        assert status(client, own) == 200  # a key that was looked up a moment ago
