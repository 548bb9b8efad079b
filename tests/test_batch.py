from __future__ import annotations

import io
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pipeline.batch import FIRST_WINDOW, WINDOW, WINDOW_CHARACTERS, message, score_rows, windows
from pipeline.bundle import Bundle
from pipeline.columns import Roles
from pipeline.output import COLUMNS
from pipeline.records import Message, Reject, Row
from pipeline.settings import load_settings
from pipeline.summary import Summary
from pipeline.writers import RejectsWriter, open_writer

ROLES = Roles("text", "subject", None, None, None, None, {})


def row(number: int, text: object = "x", **values: object) -> Row:
    return Row(number, {"text": text, **values})


@given(st.integers(0, 5000))
def test_windows_hold_every_item_once_in_order_the_first_soon(count: int) -> None:
    found = list(windows(Row(number, {}) for number in range(count)))
    assert [item.number for window in found for item in window] == list(range(count))
    assert [len(window) for window in found][:1] == [min(count, FIRST_WINDOW)][: bool(count)]
    assert all(0 < len(window) <= WINDOW for window in found)


def test_long_messages_take_no_more_memory_than_short_ones() -> None:
    rows = [row(number, "ن" * 400_000) for number in range(23)]
    sizes = [sum(len(item.values["text"]) for item in window) for window in windows(rows)]
    assert max(sizes) < WINDOW_CHARACTERS + 400_000
    assert sum(sizes) == 23 * 400_000


def test_a_subject_is_read_above_the_text_but_not_twice() -> None:
    assert message(row(1, "وصل مكسورا", subject="طلب 5"), ROLES).text == "طلب 5\nوصل مكسورا"
    assert message(row(1, "طلب 5 وصل", subject="طلب 5"), ROLES).text == "طلب 5 وصل"
    assert message(row(1, "وصل", subject=None), ROLES).text == "وصل"
    assert message(row(1, None), ROLES) == Message("", {"text": None})
    assert message(row(1, 15), ROLES).text == "15"


def test_rows_go_out_scored_and_rejects_aside(tiny_bundle: Bundle, tmp_path: Path) -> None:
    texts = ["وين طلبي؟", "سفارشم کو؟", "where is my order?"] * 30
    items = [row(number, text, id=number) for number, text in enumerate(texts, 1)]
    items[4:4] = [Reject(91, "row 91 is broken", {"raw": "a,b"})]
    heard: list[int] = []
    with (
        open_writer(tmp_path / "o.jsonl", columns=("text", "id", *COLUMNS)) as writer,
        RejectsWriter(tmp_path / "r.jsonl") as rejects,
    ):
        settings = load_settings(environment={})
        summary = score_rows(items, ROLES, tiny_bundle, settings, (writer, rejects), on_window=heard.append)
    out = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text("utf-8").splitlines()]
    assert [each["text"] for each in out] == texts
    assert [list(each) for each in out] == [["text", "id", *COLUMNS]] * 90
    aside = json.loads((tmp_path / "r.jsonl").read_text("utf-8"))
    assert aside == {"number": 91, "reason": "row 91 is broken", "values": {"raw": "a,b"}}
    assert heard == [FIRST_WINDOW, 91 - FIRST_WINDOW]
    assert (summary.rows, summary.rejected) == (90, 1)
    assert summary.counts["Language"] == {"ar": 30, "fa": 30, "en": 30}
    assert summary.review == sum(bool(each["nabd_review"]) for each in out)


def test_a_summary_of_nothing_prints() -> None:
    screen = io.StringIO()
    Summary().print(Console(file=screen))
    Summary().add([], rejected=3)
    assert "0 scored, 0 (0%) for a person to review, 0 rejected" in screen.getvalue()
