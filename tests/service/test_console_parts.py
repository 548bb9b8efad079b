"""What the console's pages are made of: figures from either database, form tokens, choices, words, drawings."""

from __future__ import annotations

import html
import re
import time
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from itsdangerous import TimestampSigner
from served import HERE, MakeApp

from pipeline.bundle import Bundle
from pipeline.judging import VERDICTS
from pipeline.language import Language
from pipeline.records import Message
from pipeline.report.locale import LANGUAGES, Locale
from pipeline.report.words import Words
from pipeline.risk import BANDS
from pipeline.risk.drivers import DRIVERS
from pipeline.route import PRIORITIES
from pipeline.score import FLAGS, REVIEW_REASONS, score
from pipeline.service import keeping
from pipeline.service.auth import keys, tokens
from pipeline.service.console import figures
from pipeline.service.console.drawings import drawing, unstyled
from pipeline.service.console.login import within
from pipeline.service.console.pages import PLACES
from pipeline.service.console.preferences import Preferences
from pipeline.service.console.visitors import PACKAGES
from pipeline.service.console.watch import Watch, issues
from pipeline.service.jobs.describe import NAMED
from pipeline.service.keeping import Arrival, Policy
from pipeline.service.store import erase, jobs
from pipeline.service.store.engine import Store
from pipeline.settings import Settings
from pipeline.targets import TARGETS
from pipeline.taxonomy import LABELS

LATE = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)  # another day already east of Greenwich
TEXTS = ("خصمتوا المبلغ مرتين", "سفارشم نرسیده است", "I was charged twice", "؟")


def kept(store: Store, bundle: Bundle, settings: Settings, times: list[datetime]) -> list[str]:
    """One message a time; what was scored of each."""
    policy = Policy("masked", settings.risk, settings.max_characters, False)
    scored = score([Message(TEXTS[number % len(TEXTS)]) for number in range(len(times))], bundle, settings.routes)
    with store.begin() as session:
        pairs = [
            (Arrival(TEXTS[number % len(TEXTS)], id=f"m{number}", customer=f"c{number % 3}", time=when), each)
            for number, (when, each) in enumerate(zip(times, scored, strict=True))
        ]
        keeping.keep_all(session, pairs, "api", policy, LATE)
    return [each.category.label for each in scored]


def test_figures_by_day_in_utc(store: Store, tiny_bundle: Bundle, settings: Settings) -> None:
    times = [LATE - timedelta(hours=12 * step) for step in range(8)]
    labels = kept(store, tiny_bundle, settings, times)
    until = figures.midnight(LATE)
    with store.read() as session:
        found = figures.figures(session, first=until - timedelta(days=3), until=until)
        waiting, latest = figures.waiting(session), figures.latest(session)
        bands = figures.bands(session)
    assert [day.isoformat() for day in found.days] == ["2026-11-17", "2026-11-18", "2026-11-19"]
    inside = [(label, when) for label, when in zip(labels, times, strict=True) if when >= until - timedelta(days=3)]
    assert found.total == len(inside) == 6
    for label in set(labels):
        days = [sum(when.date() == day and each == label for each, when in inside) for day in found.days]
        assert found.categories.get(label, [0, 0, 0]) == days
    assert sum(found.queues[name][0] for name in found.queues) == 6
    assert found.handed <= waiting <= 8
    assert sum(found.reasons.values()) >= found.handed > 0, "the lone mark is handed to a person"
    assert latest == LATE
    assert bands.total() == 3


def test_figures_of_an_empty_store(store: Store) -> None:
    with store.read() as session:
        found = figures.figures(session, first=figures.midnight(LATE) - timedelta(days=7), until=figures.midnight(LATE))
        assert (found.total, found.handed, found.negative, len(found.days)) == (0, 0, (0, 0), 7)
        assert (figures.waiting(session), figures.latest(session)) == (0, None)


@pytest.mark.parametrize(
    "moment", ["2026-11-19T00:00:00+00:00", "2026-11-19T23:59:59+00:00", "2026-11-20T01:00:00+03:30"]
)
def test_a_day_ends_at_midnight_in_utc(moment: str) -> None:
    assert figures.midnight(datetime.fromisoformat(moment)) == datetime(2026, 11, 20, tzinfo=UTC)


def test_emerging_issues_are_worked_out_once_and_again_after_an_erasure(
    client: TestClient, tiny_bundle: Bundle, settings: Settings, tmp_path: Path
) -> None:
    service: Any = client.app.state.service  # type: ignore[attr-defined]
    kept(service.store, tiny_bundle, settings, [LATE - timedelta(hours=3 * step) for step in range(60)])
    assert issues(service, LATE).found is not None
    watch, end = Watch(), time.monotonic() + 30
    assert watch.look(service, LATE) is None, "it is being worked out"
    while (seen := watch.look(service, LATE)) is None and time.monotonic() < end:
        time.sleep(0.05)
    assert seen is not None
    assert watch.look(service, LATE + timedelta(seconds=1)) is seen
    with service.store.begin() as session:
        erase.forget(session, "c1", tmp_path, tmp_path, "local", now=LATE)
    end = time.monotonic() + 30
    while (seen := watch.look(service, LATE + timedelta(seconds=2))) is None and time.monotonic() < end:
        time.sleep(0.05)
    assert seen is not None
    assert {contact.customer for contact in seen.contacts} == {"c0", "c2"}


def test_no_text_no_issues(client: TestClient) -> None:
    service: Any = client.app.state.service  # type: ignore[attr-defined]
    assert issues(service, LATE).found is None


def test_a_search_that_failed_is_not_called_empty(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr("pipeline.service.console.watch.issues", fails)
    end = time.monotonic() + 30
    while "The search failed" not in (page := client.get("/").text) and time.monotonic() < end:
        time.sleep(0.05)
    assert "The search failed" in page
    assert "nothing to look at" not in page


def test_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tokens.token("one secret")
    assert tokens.is_genuine("one secret", mine)
    for secret, given in (("another", mine), ("one secret", mine + "x"), ("one secret", ""), ("", tokens.token(""))):
        assert not tokens.is_genuine(secret, given)
    then = time.time() + tokens.LIFE + 60
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: int(then))
    assert not tokens.is_genuine("one secret", mine)


@pytest.mark.parametrize(
    ("cookie", "accepted", "language", "digits", "theme"),
    [
        ("", "", "en", "own", "auto"),
        ("", "fa-IR,fa;q=0.9,en;q=0.8", "fa", "own", "auto"),
        ("", "de,ar-EG;q=0.7", "ar", "own", "auto"),
        ("", "de, fr", "en", "own", "auto"),
        ("ar.latin.dark", "fa", "ar", "latin", "dark"),
        ("<b>.own.x.y", "fa", "fa", "own", "auto"),
    ],
)
def test_preferences(cookie: str, accepted: str, language: str, digits: str, theme: str) -> None:
    found = Preferences.of(cookie, accepted)
    assert (found.language, found.digits, found.theme) == (language, digits, theme)
    assert Preferences.of(found.cookie, "") == found


@pytest.mark.parametrize(
    ("path", "is_ours"),
    [
        ("/console/jobs?after=x", True),
        ("/console/customers/علی\u200cرضا", True),
        ("/console/\n", False),
        ("/consoles/", False),
        ("", False),
    ],
)
def test_within(path: str, is_ours: bool) -> None:
    assert within(path) == (path if is_ours else "/console/today")


def test_digits_by_choice() -> None:
    assert Locale.of("fa", latin=True).number(12345.678, 1) == "12,345.7"
    assert Locale.of("ar", latin=True).percent(0.34) == "34%"
    assert Locale.of("fa", latin=True).date(datetime(2026, 10, 31, tzinfo=UTC)) == "9 آبان 1405"
    for language in ("ar", "fa"):
        own, latin = (Words(Locale.of(language, latin=latin)) for latin in (False, True))
        assert re.findall("[0-9]+", own("at_risk_note")) == []
        assert re.findall("[0-9]+", latin("at_risk_note")) == ["0", "100"]
        filled = latin("emerging_note", days="«۷»")
        assert "«۷»" in filled, "what is filled in stays as it is"
        assert "5%" in filled


def test_a_drawing_has_no_style_and_is_drawn_once() -> None:
    svg = drawing("bars", "عنوان", ["a", "b"], {"پرسش": [1, 2], "x": [0, 3]}, Locale.of("fa"))
    assert "style" not in svg
    assert 'fill="#4477aa"' in svg.lower()
    assert "عنوان" in svg
    assert "پرسش" in svg
    assert drawing("bars", "عنوان", ["a", "b"], {"پرسش": [1, 2], "x": [0, 3]}, Locale.of("fa")) is svg


def test_a_style_becomes_attributes_that_svg_knows() -> None:
    plain = unstyled("<svg><path style=\"fill: none; font-family: 'x'; stroke: #000000\"/></svg>")
    assert '<path fill="none" stroke="currentColor"/>' in plain


def table(package: str) -> dict[str, dict[str, str]]:
    return tomllib.loads(files(package).joinpath("words.toml").read_text(encoding="utf-8"))


def test_every_word_is_there_in_every_language() -> None:
    for key, row in table(PACKAGES[0]).items():
        assert list(row) == list(LANGUAGES), key
        assert all(row.values()), key
        fields = {language: set(re.findall(r"{(\w+)}", text)) for language, text in row.items()}
        assert fields["en"] == fields["ar"] == fields["fa"], key
        assert not re.search("[كي]", row["fa"]), f"{key}: Arabic kaf or yeh in Persian"
        assert not re.search("[کیپچژگ]", row["ar"]), f"{key}: Persian letters in Arabic"


def test_every_word_that_a_page_asks_for_is_there() -> None:
    folder, known = files(PACKAGES[0]), set.union(*(set(table(package)) for package in PACKAGES))
    sources = [
        each.read_text(encoding="utf-8")
        for part in (folder, folder / "templates")
        for each in part.iterdir()
        if each.name.endswith((".py", ".html"))
    ]
    asked = {key for source in sources for key in re.findall(r"""words\(["'](\w+)["'][,)]""", source)}
    asked |= {*PLACES, *BANDS, *DRIVERS, *REVIEW_REASONS, *LABELS, "topic", "category"}
    asked |= {f"language_{each}" for each in Language} | {f"flag_{each}" for each in FLAGS}
    asked |= {f"priority_{each}" for each in PRIORITIES} | {f"role_{each}" for each in NAMED}
    asked |= {f"state_{each}" for each in (jobs.UPLOADED, jobs.QUEUED, jobs.RUNNING, *jobs.ENDED)}
    asked |= {f"target_{each.metric}" for each in TARGETS} | {f"verdict_{each.replace(' ', '_')}" for each in VERDICTS}
    assert len(asked) > 150
    assert asked - known == set()
    made = re.compile(r"\w+_advice|(?:by|digits|theme|measure)_\w+")  # from a part and a value
    unused = [key for key in table(PACKAGES[0]) if key not in asked and not made.fullmatch(key)]
    assert [key for key in unused if not any(f'"{key}"' in source for source in sources)] == []


def test_pages_are_not_kept_and_their_files_are(client: TestClient) -> None:
    page = client.get("/console/today")
    assert page.headers["cache-control"] == "no-store"
    assert "'unsafe-inline'" not in page.headers["content-security-policy"]
    assert not re.search(r"<style|style=|<script(?! src)|onclick", page.text)
    for path in re.findall(r'(?:src|href)="(/console/(?:static/|report)[^"]+)"', page.text):
        assert client.get(path).headers["cache-control"].startswith("public"), path


def test_a_key_closes_the_console_to_those_without_a_login(
    client: TestClient, store: Store, key_headers: Callable[..., dict[str, str]]
) -> None:
    headers = key_headers("admin")
    with store.read() as session:
        assert keys.any_key(session)
    answer = client.get("/console/customers", headers=headers, follow_redirects=False)
    assert answer.status_code == 303, "a key is for the API"
    assert answer.headers["location"].startswith("/console/login")


@pytest.mark.parametrize("until", ["0001-01-01", "9999-12-31"])
def test_a_day_without_a_day_before_or_after_is_refused(client: TestClient, until: str) -> None:
    assert client.get(f"/console/today?until={until}").status_code == 422


@pytest.mark.parametrize(
    ("path", "status"), [("customers/a%00b", 404), ("customers?search=a%00b", 200), ("jobs/a%00b", 404)]
)
def test_half_a_character_or_none_is_nobody(client: TestClient, path: str, status: int) -> None:
    assert client.get(f"/console/{path}").status_code == status


def test_a_wrong_address_is_a_page(client: TestClient) -> None:
    wrong = [
        "/console/customers?after=x",
        "/console/review?after=e30x",
        "/console/today?days=0",
        "/console/customers/no",
    ]
    for id in ("x", "../../etc/passwd", "0" * 32, "%00"):
        wrong += [f"/console/jobs/{id}{part}" for part in ("", "/result", "/rejects", "/progress")]
    for path in wrong:
        answer = client.get(path)
        assert 400 <= answer.status_code < 500, path
        if "etc" not in path:  # that is no address of a job at all
            assert answer.headers["content-type"].startswith("text/html"), path


def test_a_message_of_several_topics_shows_them_all(make_app: MakeApp, tiny_bundle: Bundle, store: Store) -> None:
    table = replace(tiny_bundle.taxonomy, multilabel=True)
    low = dict.fromkeys(table.topic_ids, 0.0)
    many = replace(tiny_bundle, taxonomy=table, applies=low)
    said = {"messages": [{"text": TEXTS[2], "id": "M-1", "customer": "C-1"}]}
    with TestClient(make_app(bundle=many, store=store), base_url=HERE) as client:
        (found,) = client.post("/v1/score", json=said).json()["results"]
        assert len(found["topics"]) > 1
        token = re.search(r'name="token" value="([^"]+)"', client.get("/console/try").text)
        assert token
        tried = client.post("/console/try", data={"token": token[1], "text": TEXTS[2]}).text
        customer = client.get("/console/customers/C-1").text
    names = [next(topic.en for topic in table.topics if topic.id == name) for name in found["topics"]]
    assert ", ".join(names) in html.unescape(tried)
    for name in names:
        assert f"<li>{name}</li>" in html.unescape(customer)
