"""What the console can undo for nobody: forgetting, another model, a verdict. Who may, and only by its own forms."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from kept import TEXTS, keep, row
from served import HERE, NOW, MakeApp
from sqlalchemy import func, select

from pipeline.bundle import Bundle, save
from pipeline.judging import JUDGED, SHEET, SUMS, read_judged
from pipeline.service.auth import logins, tokens, users
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Customer, Job
from pipeline.settings import Settings, home

KINDS = ("queue", "priority", "category", "topic", "sentiment", "emotion", "urgency", "churn")
CUSTOMER = "ع 7/b"


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'nabd.db'}"


@pytest.fixture
def replay(tmp_path: Path) -> Path:
    """A replay of one message in each language, the topic changed."""
    folder = tmp_path / "replays" / "october"
    folder.mkdir(parents=True)
    sides = [f"{side}_{kind}" for kind in KINDS for side in ("old", "new")]
    said = [("refund" if each == "new_topic" else "charge" if each == "old_topic" else "x") for each in sides]
    lines = [f"{number},{language},topic,{text.replace(',', ' ')},,{','.join(said)},aa,bb"
             for number, (language, text) in enumerate(TEXTS.items(), 1)]  # fmt: skip
    header = f"number,language,changed,text,verdict,{','.join(sides)},old_model,new_model"
    (folder / SHEET).write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    (folder / SUMS).write_text(
        '{"old_model": "one@aa", "new_model": "two@bb", "messages": 9, "changed": 3, "customers": 0, "bands": null,'
        f' "moves": {{{", ".join(f"{chr(34)}{kind}{chr(34)}: []" for kind in KINDS)}}},'
        ' "misroutes": {"all": [{"expected": 2}, {"expected": 1}]}}',
        encoding="utf-8",
    )
    return folder


@pytest.fixture
def client(
    make_app: MakeApp, store: Store, settings: Settings, replay: Path, tiny_bundle: Bundle
) -> Iterator[TestClient]:
    models = replay.parents[1] / "models"
    save(tiny_bundle, models / "tiny")
    with store.begin() as session:
        keep(session, row("m-1", CUSTOMER))
        users.create(session, "admin", "a long enough password", ["admin"], now=NOW)
        users.create(session, "lina", "a long enough password", ["score", "read", "write"], now=NOW)
        users.create(session, "omid", "a long enough password", ["read"], now=NOW)
    own = replace(settings, replays=str(replay.parent), model=str(models / "tiny"))
    with TestClient(make_app(store=store, settings=own), base_url=HERE, follow_redirects=False) as found:
        yield found


def log_in(client: TestClient, store: Store, name: str) -> dict[str, str]:
    """The field that the forms of this person carry."""
    with store.begin() as session:
        cookie = logins.open(session, name, now=NOW)
    client.cookies.set(logins.COOKIE, cookie)
    return {"token": tokens.token(cookie)}


FORGET = f"/console/forget/{CUSTOMER}"
JUDGE, RELOAD, JOBS = "/console/models/replays/october", "/console/models", "/console/jobs"
VERDICT = {"number": "2", "verdict": "better"}


@pytest.mark.parametrize(
    ("path", "fields", "who"),
    [
        (FORGET, {}, "lina"),
        (RELOAD, {}, "lina"),
        (JUDGE, VERDICT, "omid"),
        (JOBS, {}, "omid"),
        (f"{JOBS}/any", {"action": "cancel"}, "omid"),
    ],
    ids=["forget", "reload", "judge", "upload", "cancel"],
)
def test_scope_and_token_are_asked_for(
    client: TestClient, store: Store, replay: Path, path: str, fields: dict[str, str], who: str
) -> None:
    assert client.post(path, data=fields).headers["location"].startswith("/console/login"), "nobody"
    given = log_in(client, store, who)
    assert client.post(path, params=given, data={**fields, **given}).status_code == 403, "without the scope"
    log_in(client, store, "admin")
    for token in ("", "forged", tokens.token("another secret")):
        given = {"token": token}
        assert client.post(path, params=given, data={**fields, **given}).status_code == 403, "without the token"
    with store.read() as session:
        assert session.get(Customer, CUSTOMER) is not None
        assert session.scalar(select(func.count()).select_from(Job)) == 0
    assert not (replay / JUDGED).exists()


def test_a_customer_is_forgotten(client: TestClient, store: Store) -> None:
    field = log_in(client, store, "admin")
    assert "The messages (1)" in client.get(FORGET).text
    assert client.post(FORGET, data=field).headers["location"] == "/console/customers"
    with store.read() as session:
        assert session.get(Customer, CUSTOMER) is None
    assert client.get(FORGET).status_code == client.post(FORGET, data=field).status_code == 404


def test_who_may_write_judges_and_who_may_read_sees_it(client: TestClient, store: Store, replay: Path) -> None:
    field = log_in(client, store, "lina")
    assert client.post(JUDGE, data={**VERDICT, **field}).headers["location"] == f"{JUDGE}#row-3"
    wrong: list[dict[str, str]] = [{"number": "2"}, {"number": "9", "verdict": "better"}, {**VERDICT, "verdict": "so"}]
    for given in wrong:
        assert client.post(JUDGE, data={**given, **field}).status_code == 422
    for name in ("november", "%2e%2e%2Fmodels", "october%2F..", "october%00"):
        assert client.get(f"/console/models/replays/{name}").status_code == 404
    told = read_judged(str(replay / JUDGED))
    assert (told.old, told.new, told.better, told.judged, told.by) == ("aa", "bb", 1, 1, "lina")
    log_in(client, store, "omid")
    page = client.get(JUDGE).text
    assert all(text.replace(",", " ") in page for text in TEXTS.values())
    assert "<strong>The new one</strong>" in page
    assert 'name="verdict"' not in page
    assert "1 of 3" in client.get("/console/models").text


def test_a_replay_that_is_not_whole_hides_no_other(client: TestClient, store: Store, replay: Path) -> None:
    shutil.copytree(replay, replay.with_name("half"))
    (replay.with_name("half") / SUMS).unlink()
    log_in(client, store, "omid")
    page = client.get("/console/models")
    assert page.status_code == 200
    assert "half is not what nabd replay wrote" in page.text
    assert "/console/models/replays/october" in page.text


def test_a_model_that_was_measured_long_ago_has_its_page(
    make_app: MakeApp, store: Store, settings: Settings, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    """The metrics of an older evaluation hold no certificate."""
    shutil.copytree(home() / "models" / "nabd-base-stated", tmp_path / "old")
    metrics = (tmp_path / "old" / "metrics.json").read_text(encoding="utf-8")
    version = metrics.partition('"version": "')[2].partition('"')[0]
    (tmp_path / "old" / "metrics.json").write_text(metrics.replace(version, tiny_bundle.version), encoding="utf-8")
    app = make_app(store=store, settings=replace(settings, model=str(tmp_path / "old")))
    with TestClient(app, base_url=HERE) as client:
        page = client.get("/console/models")
    assert page.status_code == 200
    assert "Targets, with 95% intervals" in page.text
