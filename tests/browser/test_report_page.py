"""The report in a real browser, in three languages, wide and narrow; every message is synthetic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser.layout import faults
from report_view import a_view

from pipeline.report.locale import Locale
from pipeline.report.page import render

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module", params=["en", "ar", "fa"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / f"{request.param}.html"
    path.write_text(render(a_view(Locale.of(request.param))), encoding="utf-8")
    return path


def opened(browser: Browser, path: Path, width: int) -> tuple[Page, list[str]]:
    """The page, and whatever it asked for or complained of."""
    page, said = browser.new_page(viewport={"width": width, "height": 900}), []
    page.on("request", lambda request: None if request.url == path.as_uri() else said.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    return page, said


@pytest.mark.parametrize("width", [1280, 390])
def test_no_layout_fault(browser: Browser, report: Path, width: int, tmp_path: Path) -> None:
    page, said = opened(browser, report, width)
    for summary in page.query_selector_all("summary"):
        summary.click()
    picture = page.screenshot(full_page=True, path=tmp_path / "page.png")
    assert len(picture) > 50_000
    assert faults(page) == []
    assert said == [], "it loads nothing and runs nothing"
    page.close()


def test_the_check_sees_faults(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text(
        '<html dir="rtl"><body><main><p style="width:3000px">wide</p><h2 dir="ltr">عنوان</h2>'
        '<a style="display:block;width:9px;overflow:hidden;white-space:nowrap">cut off</a>'
        '<svg width="90" height="30"><text x="70" y="20">outside the frame</text><text x="70" y="22">over</text></svg>',
        encoding="utf-8",
    )
    page, _ = opened(browser, path, 390)
    kinds = {fault.split(":")[0] for fault in faults(page)}
    assert kinds == {
        "page is wider than the window", "overflow", "clipped", "chart text out of its frame", "chart texts overlap",
        "wrong direction",
    }  # fmt: skip
    page.close()


def test_the_keyboard_reaches_everything(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, 1280)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left >= 0"), "shown when it has the focus"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    for summary in page.query_selector_all("summary"):
        summary.focus()
        page.keyboard.press("Enter")
    assert page.evaluate("[...document.querySelectorAll('details')].every(each => each.open)")
    page.close()


def test_screen_readers_hear_the_page(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, 1280)
    assert page.evaluate("document.documentElement.lang") == report.stem
    assert page.evaluate(
        "[...document.querySelectorAll('svg')].every(s => s.getAttribute('role') == 'img' && s.ariaLabel)"
    )
    assert page.evaluate("document.querySelectorAll('h1').length") == 1
    assert page.evaluate(
        "[...document.querySelectorAll('table')].every(t => t.caption && t.caption.textContent.trim())"
    )
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    page.close()


def test_it_prints(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, 1280)
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") <= 20
    page.close()
