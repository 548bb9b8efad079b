"""The sheet of changed messages in a real browser: a person chooses, saves, and the file is read back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.judging import KINDS, Judgement, read_judged
from pipeline.training.replay.sheet import render_sheet

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TEXTS = {"en": "where is <b>my</b> parcel?", "ar": "وين طلبي؟ صار له أسبوع", "fa": "سفارشم هنوز نرسیده"}
MODELS = ("a" * 64, "b" * 64)


def test_what_is_chosen_is_what_is_saved(browser: Browser, tmp_path: Path) -> None:
    said = {f"{side}_{kind}": side if kind == "topic" else "same" for side in ("old", "new") for kind in KINDS}
    rows = [
        {"number": place, "language": lang, "text": text, **said} for place, (lang, text) in enumerate(TEXTS.items(), 1)
    ]
    path = tmp_path / "judge.html"
    path.write_text(render_sheet(rows, MODELS), encoding="utf-8")
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert page.locator(".text").all_inner_texts() == list(TEXTS.values()), "as it was written, not as markup"
    assert page.locator("tr.changed th").all_inner_texts() == ["topic"] * 3
    page.get_by_label("better").nth(0).check()
    page.get_by_label("worse").nth(1).check()
    with page.expect_download() as saved:
        page.get_by_role("button").click()
    saved.value.save_as(tmp_path / "judged.csv")
    page.close()
    assert read_judged(str(tmp_path / "judged.csv")) == Judgement(*MODELS, better=1, worse=1, same=0)
    assert [url for url in asked if not url.startswith(("file:", "blob:"))] == []
