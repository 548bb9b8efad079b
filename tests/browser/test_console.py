"""The console in a real browser: every page in three languages, wide and narrow, light and dark, by mouse and keys."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser.desk import CUSTOMERS, EXPORT, SAID, served
from browser.layout import faults
from sqlalchemy import select

from pipeline.bundle import Bundle
from pipeline.judging import Judgement, read_judged
from pipeline.report.locale import LANGUAGES
from pipeline.service.auth import users
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Audit, Customer, Feedback, Job, Login, Message
from pipeline.taxonomy import DEFAULT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
SEEN: dict[int, Literal["light", "dark"]] = {1280: "light", 390: "dark"}  # width -> colours
OUTLINED = "(e => e === document.body || parseFloat(getComputedStyle(e).outlineWidth) >= 2)(document.activeElement)"
PASSWORD = "a long one of four words"


@pytest.fixture(scope="module")
def desk(tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Store]]:
    with served(tiny_bundle, tmp_path_factory.mktemp("desk")) as found:
        yield found


@pytest.fixture
def own_desk(tiny_bundle: Bundle, tmp_path: Path) -> Iterator[tuple[str, Store]]:
    """One whose store a test may change."""
    with served(tiny_bundle, tmp_path) as found:
        yield found


class Visit:
    """A browser's window on the console, and whatever it complained of or asked of another host."""

    def __init__(
        self, browser: Browser, address: str, *, width: int = 1280, language: str = "en", script: bool = True
    ) -> None:
        self.address, self.said = address, list[str]()
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=SEEN[width],
            locale=language,
            java_script_enabled=script,
        )
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda message: self.said.append(f"{message.text} {message.location.get('url')}"))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def go(self, path: str) -> Page:
        answer = self.page.goto(self.address + path)
        assert answer is not None
        assert answer.status < 500, path
        return self.page

    def _asked(self, url: str) -> None:
        if not url.startswith(self.address):
            self.said.append(f"asked for {url}")


def follow(page: Page, selector: str) -> None:
    """Clicks what leads to another page, and waits for that."""
    with page.expect_navigation():
        page.click(selector)


def inaccessible(page: Page) -> list[str]:
    """Serious and critical breaches of WCAG A and AA."""
    found = Axe().run(page, options=WCAG).response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    return [f"{each['id']}: {node['html'][:150]} {node['failureSummary']}" for each in grave for node in each["nodes"]]


def today(visit: Visit) -> None:
    visit.go("/console/today")
    visit.page.wait_for_selector("#emerging:not([data-poll])", timeout=60_000)
    for summary in visit.page.query_selector_all("main summary"):
        summary.click()


def tried(visit: Visit) -> None:
    visit.go("/console/try")
    visit.page.fill("#text", SAID["ar"][0] + ". " + SAID["en"][0] + " " + SAID["fa"][0])
    visit.page.click("main button.main")
    visit.page.wait_for_selector("#evidence-title")


def done_job(visit: Visit) -> None:
    mapping(visit)
    visit.page.click("main button.main")
    visit.page.wait_for_selector("a[href$='/result']", timeout=60_000)


def mapping(visit: Visit) -> None:
    visit.go("/console/jobs")
    visit.page.set_input_files("#file", {"name": "export.csv", "mimeType": "text/csv", "buffer": EXPORT.encode()})
    visit.page.click("main button.main")
    visit.page.wait_for_selector("#role-text")


PAGES: dict[str, Callable[[Visit], object]] = {
    "today": today,
    "try": tried,
    "customers": lambda visit: visit.go("/console/customers"),
    "customer": lambda visit: visit.go(f"/console/customers/{CUSTOMERS[3]}"),
    "review": lambda visit: visit.go("/console/review"),
    "jobs": lambda visit: visit.go("/console/jobs"),
    "mapping": mapping,
    "job": done_job,
    "models": lambda visit: visit.go("/console/models"),
    "replay": lambda visit: visit.go("/console/models/replays/october"),
    "forget": lambda visit: visit.go(f"/console/forget/{CUSTOMERS[3]}"),
    "refused": lambda visit: visit.go("/console/customers/nobody"),
}


@pytest.mark.parametrize("width", SEEN)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page(browser: Browser, desk: tuple[str, Store], language: str, width: int, tmp_path: Path) -> None:
    with Visit(browser, desk[0], width=width, language=language) as visit:
        for name, show in PAGES.items():
            show(visit)
            page = visit.page
            page.screenshot(full_page=True, path=tmp_path / f"{name}-{language}-{width}.png")
            assert page.get_attribute("html", "lang") == language
            assert page.get_attribute("html", "dir") == ("ltr" if language == "en" else "rtl")
            assert faults(page) == [], name
            assert inaccessible(page) == [], name
            assert page.locator("h1").count() == 1, name
        expected = [each for each in visit.said if "404" in each and "/console/customers/nobody" in each]
        assert [each for each in visit.said if each not in expected] == []


@pytest.mark.parametrize("width", SEEN)
@pytest.mark.parametrize("language", LANGUAGES)
def test_logging_in(browser: Browser, tiny_bundle: Bundle, language: str, width: int, tmp_path: Path) -> None:
    with served(tiny_bundle, tmp_path, filled=False) as (address, store):
        with store.begin() as session:
            users.create(session, "lina", PASSWORD, ["read", "score"])
        with Visit(browser, address, width=width, language=language) as visit:
            page = visit.go("/console/customers?band=high")
            assert "/console/login?next=/console/customers" in page.url
            page.screenshot(full_page=True, path=tmp_path / f"login-{language}-{width}.png")
            assert faults(page) == []
            assert inaccessible(page) == []
            log_in(page, "wrong")
            assert page.locator("[role=alert]").count() == 1
            log_in(page, PASSWORD)
            assert page.url == address + "/console/customers?band=high"
            (cookie,) = [each for each in visit.context.cookies() if each["name"] == "nabd_login"]
            assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Lax", False)
            answer = page.goto(address + "/console/review")
            assert answer is not None
            assert answer.status == 403, "she may not write"
            page.click(".menu summary")
            follow(page, "form[action='/console/logout'] button")
            assert page.url == address + "/console/login"
            with store.read() as session:
                assert session.scalars(select(Login)).all() == []
            visit.context.add_cookies([cookie])  # the old cookie opens nothing
            assert "/console/login" in visit.go("/console/today").url


def log_in(page: Page, password: str) -> None:
    page.fill("#name", "lina")
    page.fill("#password", password)
    follow(page, "main button.main")


def test_a_form_of_another_site_changes_nothing(browser: Browser, own_desk: tuple[str, Store]) -> None:
    """Without the token, with that of another visitor, and with none of a page's cookies."""
    address, store = own_desk
    with Visit(browser, address) as visit, Visit(browser, address) as other:
        page = visit.go("/console/review")
        stolen = other.go("/console/review").locator("#review [name=token]").get_attribute("value")
        fields = {"id": page.locator("[name=id]").get_attribute("value") or "", "topic": "refund"}
        for token in ("", "forged", stolen or ""):
            answer = visit.context.request.post(address + "/console/review", form={**fields, "token": token})
            assert answer.status == 403
        upload = {"file": {"name": "a.csv", "mimeType": "text/csv", "buffer": EXPORT.encode()}}
        assert visit.context.request.post(address + "/console/jobs?token=forged", multipart=upload).status == 403
        elsewhere = {"origin": "http://evil.example", "sec-fetch-site": "cross-site"}
        own = page.locator("#review [name=token]").get_attribute("value") or ""
        answer = visit.context.request.post(
            address + "/console/review", form={**fields, "token": own}, headers=elsewhere, max_redirects=0
        )
        assert answer.headers["location"].startswith("/console/login"), "this machine's user counts on our pages alone"
    with store.read() as session:
        assert session.scalars(select(Feedback)).all() == []
        assert session.scalars(select(Job)).all() == []


def test_review_by_keyboard(browser: Browser, own_desk: tuple[str, Store]) -> None:
    """Ten messages by two keys each; what was picked is kept, what was skipped is not."""
    address, store = own_desk
    seen: list[str] = []
    with Visit(browser, address) as visit:
        page = visit.go("/console/review")
        skipped = message_on(page)
        page.keyboard.press("s")
        page.wait_for_url("**/review?after=*")
        for turn in range(10):
            seen.append(message_on(page))
            page.keyboard.press("1234567890"[turn])
            assert page.evaluate("document.activeElement.checked")
            page.keyboard.press("Enter")
            page.wait_for_function("id => document.querySelector('[name=id]')?.value !== id", arg=seen[-1])
        assert "10" in page.locator(".heading .note").inner_text()
        assert visit.said == []
    assert len({skipped, *seen}) == 11, "each comes once"
    with store.read() as session:
        rows = session.scalars(select(Feedback).where(Feedback.task == "topic").order_by(Feedback.created_at)).all()
        assert {row.message_id: row.label for row in rows} == dict(zip(seen, DEFAULT.topic_ids, strict=False))
        assert {row.actor for row in rows} == {"local"}
        reviewed = set(session.scalars(select(Message.id).where(Message.reviewed)))
    assert reviewed == set(seen)


def test_other_labels_are_kept_where_they_were_changed(browser: Browser, own_desk: tuple[str, Store]) -> None:
    address, store = own_desk
    with Visit(browser, address, script=False) as visit:  # the form needs no script
        page = visit.go("/console/review")
        id = message_on(page)
        now = page.locator("#task-urgency").input_value()
        other = "high" if now != "high" else "low"
        page.select_option("#task-urgency", other)
        follow(page, "#review button.main")
        assert message_on(page) != id
    with store.read() as session:
        rows = {row.task: row for row in session.scalars(select(Feedback).where(Feedback.message_id == id))}
        assert set(rows) == {"topic", "urgency"}
        assert (rows["urgency"].label, rows["urgency"].said) == (other, now)


def message_on(page: Page) -> str:
    return page.locator("#review [name=id]").get_attribute("value") or ""


def test_keys_of_other_scripts_count_by_their_place(browser: Browser, desk: tuple[str, Store]) -> None:
    with Visit(browser, desk[0], language="fa") as visit:
        page = visit.go("/console/review")
        for key, code in (("۳", "Digit3"), ("ض", "KeyQ")):
            page.evaluate(
                "([key, code]) => document.getElementById('review')"
                ".dispatchEvent(new KeyboardEvent('keydown', {key, code, bubbles: true}))",
                [key, code],
            )
            place = "1234567890qwertyu".index({"Digit3": "3", "KeyQ": "q"}[code])
            assert page.locator("[name=topic]:checked").get_attribute("value") == DEFAULT.topic_ids[place]


def test_trying_a_message(browser: Browser, desk: tuple[str, Store]) -> None:
    """What is shown is the message as it was pasted, words marked in it; markup stays text."""
    text = f"<b>{SAID['en'][0]}</b> {SAID['fa'][0]}"
    with Visit(browser, desk[0], language="ar") as visit:
        page = visit.go("/console/try")
        page.fill("#text", text)
        follow(page, "main button.main")
        assert page.locator("main section .message").inner_text() == text
        marked = page.locator(".message mark, .message s").all_inner_texts()
        assert marked
        assert all(each in text for each in marked)
        assert page.locator("dl.facts dd").first.inner_text()
        shown = page.locator("tbody tr").count()
        assert shown >= 5
        assert visit.said == []


def test_a_job_from_upload_to_download(browser: Browser, own_desk: tuple[str, Store], tmp_path: Path) -> None:
    with Visit(browser, own_desk[0]) as visit:
        page = visit.go("/console/jobs")
        page.evaluate(
            """text => {
              const carried = new DataTransfer();
              carried.items.add(new File([text], 'نامه <b>.csv', {type: 'text/csv'}));
              document.getElementById('upload').dispatchEvent(
                new DragEvent('drop', {dataTransfer: carried, bubbles: true, cancelable: true}));
            }""",
            EXPORT,
        )  # dropped on the page
        page.wait_for_selector("#role-text")
        assert page.locator("h1").inner_text() == "نامه <b>.csv"
        assert page.locator("#role-text").input_value() == "message"
        assert page.locator("#role-customer").input_value() == "customer"
        page.click("main button.main")
        page.wait_for_selector("a[href$='/result']", timeout=60_000)
        with page.expect_download() as waited:
            page.click("a[href$='/result']")
        waited.value.save_as(tmp_path / "scored.csv")
        with (tmp_path / "scored.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["id"] for row in rows] == ["7001", "7002", "7003", "7004"]
        assert all(row["nabd_topic"] for row in rows)
        assert visit.said == []
        assert visit.go("/console/customers/C-902").locator(".timeline > li").count() == 2


def test_a_job_is_cancelled(browser: Browser, own_desk: tuple[str, Store]) -> None:
    with Visit(browser, own_desk[0]) as visit:
        mapping(visit)
        visit.page.click("button[value=cancel]")
        visit.page.wait_for_selector("#progress:not([data-poll])")
        assert visit.page.locator("#progress-title").inner_text() == "Cancelled"
    with own_desk[1].read() as session:
        assert [job.state for job in session.scalars(select(Job))] == ["cancelled"]


def test_a_file_that_is_no_export_is_refused_in_words(browser: Browser, desk: tuple[str, Store]) -> None:
    with Visit(browser, desk[0], language="fa") as visit:
        page = visit.go("/console/jobs")
        page.set_input_files("#file", {"name": "a.xlsx", "mimeType": "text/plain", "buffer": b"PK\x03\x04 not really"})
        page.click("main button.main")
        page.wait_for_selector(".message[lang=en]")
        assert page.get_attribute("html", "lang") == "fa"


def test_customers_are_filtered_searched_and_paged(browser: Browser, desk: tuple[str, Store]) -> None:
    with Visit(browser, desk[0]) as visit:
        page = visit.go("/console/customers")
        first = page.locator("tbody th a").all_inner_texts()
        follow(page, "a[rel=next]")
        second = page.locator("tbody th a").all_inner_texts()
        assert len(first) == 25
        assert second
        assert not set(first) & set(second)
        page.fill("#search", "c-02")
        follow(page, ".search button")
        assert set(page.locator("tbody th a").all_inner_texts()) == {each for each in CUSTOMERS if "C-02" in each}
        follow(page, "nav a[href*='band=critical']")
        assert {"critical"} == set(
            page.eval_on_selector_all("tbody td:nth-of-type(1)", "all => all.map(e => e.className)")
        )


def test_what_became_of_a_customer(browser: Browser, own_desk: tuple[str, Store]) -> None:
    with Visit(browser, own_desk[0]) as visit:
        page = visit.go(f"/console/customers/{CUSTOMERS[5]}")
        page.click("button[value=left]")
        page.wait_for_selector(".badge.left")
        page.click("button[value=stayed]")
        page.wait_for_selector(".badge:not(.left)")


@pytest.mark.parametrize("language", LANGUAGES)
def test_judging_a_replay(browser: Browser, tiny_bundle: Bundle, language: str, tmp_path: Path) -> None:
    """By key and by mouse, from the first message to the last one; the file is what a sheet from elsewhere would be."""
    with (
        served(tiny_bundle, tmp_path, filled=False) as (address, _),
        Visit(browser, address, language=language) as visit,
    ):
        page = visit.go("/console/models")
        follow(page, "a[href='/console/models/replays/october']")
        numbers = page.eval_on_selector_all(".pair", "all => all.map(each => each.id.slice(4))")
        assert len(numbers) == 12
        page.click("#judging > .actions a")
        for place, key in enumerate("1234"):
            assert page.evaluate("document.activeElement.id") == f"row-{numbers[place]}"
            with page.expect_navigation():
                page.keyboard.press(key)
        follow(page, f"#row-{numbers[11]} button[value=better]")
        assert page.url.endswith(f"#row-{numbers[4]}"), "the first that is left"
        pressed = page.locator(".pair button[aria-pressed=true]")
        assert pressed.evaluate_all("all => all.map(each => each.dataset.key)") == ["1", "2", "3", "4", "2"]
        told = read_judged(str(tmp_path / "replays" / "october" / "judged.csv"))
        assert told == Judgement("a" * 64, "b" * 64, better=2, worse=1, same=2, by="local")
        row = visit.go("/console/models").locator("tr", has=page.locator("a[href$='/replays/october']")).inner_text()
        assert visit.said == []
        assert {"en": "5 of 12", "ar": "٥ من ١٢", "fa": "۵ از ۱۲"}[language] in row


def test_a_customer_is_forgotten_after_a_second_question(browser: Browser, own_desk: tuple[str, Store]) -> None:
    address, store = own_desk
    with Visit(browser, address, script=False) as visit:
        page = visit.go(f"/console/customers/{CUSTOMERS[5]}")
        follow(page, "a[href^='/console/forget/']")
        follow(page, "main a.button")
        assert page.url.endswith(f"/console/customers/{CUSTOMERS[5]}"), "the way back"
        follow(page, "a[href^='/console/forget/']")
        follow(page, "main form button")
        assert page.url == address + "/console/customers"
    with store.read() as session:
        assert session.get(Customer, CUSTOMERS[5]) is None
        assert session.scalars(select(Message).where(Message.customer_id == CUSTOMERS[5])).all() == []
        (line,) = session.scalars(select(Audit).where(Audit.action == "customer.forget"))
        assert line.actor == "local"


def test_another_model_is_loaded(browser: Browser, own_desk: tuple[str, Store]) -> None:
    """The tiny one by another name; a name that is no model's is refused."""
    with Visit(browser, own_desk[0]) as visit:
        page = visit.go("/console/models")
        token = page.locator("main form [name=token]").get_attribute("value") or ""
        page.select_option("#model", "beside")
        follow(page, "main form button")
        assert page.locator("dl.facts dd").first.inner_text().startswith("beside@")
        answer = visit.context.request.post(own_desk[0] + "/console/models", form={"token": token, "model": "../x"})
        assert answer.status == 404


def test_evidence_leads_to_its_message(browser: Browser, desk: tuple[str, Store]) -> None:
    with Visit(browser, desk[0]) as visit:
        page = visit.go(f"/console/customers/{CUSTOMERS[3]}")
        link = page.locator(".evidence a").first
        id = link.inner_text()
        link.click()
        assert page.locator(":target .name").inner_text() == id


def test_language_digits_and_colours_are_remembered(browser: Browser, desk: tuple[str, Store]) -> None:
    with Visit(browser, desk[0]) as visit:
        page = visit.go("/console/customers?band=critical")
        choose(page, "language", "fa")
        assert page.url.endswith("?band=critical"), "back on the same page"
        assert page.get_attribute("html", "dir") == "rtl"
        assert any("۰" <= char <= "۹" for char in page.locator("main").inner_text())
        choose(page, "digits", "latin")
        assert not any("۰" <= char <= "۹" for char in page.locator("tbody").inner_text())
        choose(page, "theme", "dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"
        assert visit.go("/console/models").get_attribute("html", "data-theme") == "dark"
        assert inaccessible(page) == [], "dark by choice where the system is light"


def choose(page: Page, name: str, value: str) -> None:
    page.click(".menu summary")
    follow(page, f"button[name={name}][value={value}]")


def test_no_form_leads_to_another_site(browser: Browser, desk: tuple[str, Store]) -> None:
    with Visit(browser, desk[0]) as visit:
        token = visit.go("/console/try").locator("[name=token]").first.get_attribute("value") or ""
        for path in ("https://evil.example/", "//evil.example/", "/\\evil.example", "/console/\nx", "javascript:1"):
            answer = visit.context.request.post(
                desk[0] + "/console/preferences", form={"token": token, "next": path}, max_redirects=0
            )
            assert (answer.status, answer.headers["location"]) == (303, "/console/today"), path


def test_the_focus_is_seen(browser: Browser, desk: tuple[str, Store]) -> None:
    """Every place that the Tab key reaches on the way down a page has an outline."""
    with Visit(browser, desk[0]) as visit:
        for path in ("/console/try", "/console/review", "/console/jobs", f"/console/customers/{CUSTOMERS[3]}"):
            page = visit.go(path)
            page.evaluate("document.activeElement.blur()")
            for _ in range(25):
                page.keyboard.press("Tab")
                assert page.evaluate(OUTLINED), f"{path}: " + page.evaluate("document.activeElement.outerHTML")[:200]


def test_an_empty_store_says_what_to_do(browser: Browser, tiny_bundle: Bundle, tmp_path: Path) -> None:
    with served(tiny_bundle, tmp_path, filled=False) as (address, _), Visit(browser, address) as visit:
        for path in ("/", "/console", "/console/customers", "/console/review", "/console/jobs"):
            page = visit.go(path)
            assert page.locator(".empty").count() == 1, path
            assert faults(page) == []
        assert visit.said == []


def test_a_message_of_markup_is_only_text(browser: Browser, own_desk: tuple[str, Store]) -> None:
    address, store = own_desk
    mean = "<script>document.title = 'owned'</script><img src=x onerror=alert(1)> my order is late"
    with store.begin() as session:
        message = session.scalars(select(Message).where(Message.customer_id == CUSTOMERS[3]).limit(1)).one()
        message.text, message.channel, message.queue = mean, "<i>c</i>", "<b>q</b>"
    with Visit(browser, address) as visit:
        page = visit.go(f"/console/customers/{CUSTOMERS[3]}")
        assert mean in page.locator("div.said").all_inner_texts()
        assert page.locator("main script, main img, main b, main i").count() == 0
        assert page.title() != "owned"
        assert visit.said == []
