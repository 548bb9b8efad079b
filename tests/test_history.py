"""Scored files read back: contacts, what the desk recorded, tickets. Every message is synthetic."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.columns.desk import find_desk
from pipeline.errors import ColumnError, UsageError
from pipeline.history import read_history
from pipeline.history.contact import shares
from pipeline.history.scales import is_outbound, minutes, number, satisfaction, state
from pipeline.history.threads import threads

SAID = {
    "nabd_language": "ar", "nabd_domain": "support", "nabd_category": "billing", "nabd_topic": "refund",
    "nabd_sentiment": "negative", "nabd_sentiment_confidence": 0.8, "nabd_sentiment_score": -0.7,
    "nabd_emotion": "anger", "nabd_emotion_confidence": 0.6, "nabd_urgency": "high", "nabd_churn_probability": 0.3,
    "nabd_queue": "billing", "nabd_priority": "high", "nabd_sla_minutes": 120, "nabd_review": "ambiguous;too_short",
    "nabd_model": "tiny@1",
}  # fmt: skip


def scored_file(folder: Path, rows: Sequence[Mapping[str, Any]], name: str = "scored.csv") -> str:
    path = folder / name
    full = [{**SAID, **row} for row in rows]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(key for row in full for key in row)))
        writer.writeheader()
        writer.writerows(full)
    return str(path)


def test_contacts_in_time_order(tmp_path: Path) -> None:
    rows = [
        {"ticket": "T2", "customer": "C1", "date": "2026-10-02 10:00", "message": "وين فلوسي؟ متى ترجعونها"},
        {"ticket": "T1", "customer": "C1", "date": "2026-10-01 10:00", "message": "پول من را پس بدهید لطفا"},
    ]
    history = read_history(scored_file(tmp_path, rows))
    assert [each.ticket for each in history.contacts] == ["T1", "T2"]
    first = history.contacts[0]
    assert first.text == "پول من را پس بدهید لطفا"
    assert first.time == datetime(2026, 10, 1, 10, tzinfo=UTC)
    assert (first.negative, round(first.positive, 2), first.anger, first.churn) == (0.8, 0.1, 0.6, 0.3)
    assert first.review == ("ambiguous", "too_short")
    assert not history.synthetic


@pytest.mark.parametrize(
    ("columns", "role", "found"),
    [
        (["رقم التذكرة", "الحالة", "القسم"], "status", "الحالة"),
        (["شماره تیکت", "وضعيت", "بخش"], "status", "وضعيت"),  # Arabic yeh
        (["Ticket ID", "First reply time (hrs)"], "first_response", "First reply time (hrs)"),
        (["رضایت مشتری"], "csat", "رضایت مشتری"),
        (["رقم التذكرة"], "ticket", "رقم التذكرة"),
        (["تاریخ لغو"], "left", "تاریخ لغو"),
    ],
)
def test_desk_columns_by_name(columns: list[str], role: str, found: str) -> None:
    assert find_desk(columns)[role] == found


def test_our_own_columns_are_no_desk_columns() -> None:
    assert find_desk(["nabd_queue", "message"]) == {}


def test_states_in_three_languages() -> None:
    said = ["Solved", "مغلقة", "بسته شده", "On-hold", "در حال بررسی", "Re-opened", "أعيد فتحها", "باز", "7", None]
    assert [state(each) for each in said] == [
        "solved", "solved", "solved", "pending", "pending", "reopened", "reopened", "open", None, None,
    ]  # fmt: skip


def test_durations() -> None:
    since = [datetime(2026, 10, 1, 10, tzinfo=UTC)] * 4
    assert minutes("first_reply_hrs", ["2", "۱٫۵", "", "x"], since) == [120, 90, None, None]
    assert minutes("resolved_at", ["2026-10-01 11:00", "2026-09-30", None, 1790850600], since) == [60, None, None, 30]
    assert minutes("first response", ["1 day, 2:00:00", timedelta(hours=26)], since[:2]) == [1560, 1560]
    assert minutes("first response", ["1:30", "0:05:30", -4, 12], since) == [90, 5.5, None, 12]


def test_satisfaction_scales() -> None:
    assert satisfaction(["5", "١", "3", None, "n/a"]) == [1, 0, 0.5, None, None]
    assert satisfaction([100, 50]) == [1, 0.5]
    assert satisfaction(["راضی", "غير راضي", "Good", "bad"]) == [1, 0, 1, 0]


def test_numbers_as_written() -> None:
    assert [number(each) for each in ("۱٬۲۵۰٫۵", "1,250", "40%", "abc", 3)] == [1250.5, 1250, 40, None, 3]
    assert [number(each) for each in ("4,5", "1.250,50", "1,250,000", "1,250.5", "1,5,2")] == [
        4.5, 1250.5, 1250000, 1250.5, None
    ]  # fmt: skip


def test_probabilities_from_the_columns() -> None:
    assert shares("negative", 0.8, -0.7) == pytest.approx((0.8, 0.1))
    assert shares("positive", 0.7, 0.5) == pytest.approx((0.2, 0.7))
    assert shares("neutral", 0.6, -0.2) == pytest.approx((0.3, 0.1))
    assert shares("", 0.0, 0.0) == (0.0, 0.0)


def test_the_desks_own_messages_are_left_out(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "date": "2026-10-01", "message": "where is my parcel please", "author role": "customer"},
        {"id": "2", "date": "2026-10-02", "message": "it is on its way to you", "author role": "agent"},
    ]
    history = read_history(scored_file(tmp_path, rows))
    assert [each.id for each in history.contacts] == ["1"]
    assert history.notes == ["1 messages of the desk left out (column 'author role')"]
    assert is_outbound("کارشناس")
    assert not is_outbound("مشتری")


def test_a_row_without_a_date_is_a_reject(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "created": "2026-10-01", "message": "my router is broken again"},
        {"id": "2", "created": "yesterday or so", "message": "my router is broken again"},
    ]
    history = read_history(scored_file(tmp_path, rows), columns={"time": "created"})
    assert [each.id for each in history.contacts] == ["1"]
    (reject,) = history.rejects
    assert reject.number == 2
    assert "column 'created' holds 'yesterday or so'" in reject.reason
    assert reject.values["id"] == "2", "nothing is lost"


def test_an_unscored_file_says_what_to_run(tmp_path: Path) -> None:
    path = tmp_path / "raw.csv"
    path.write_text("date,message\n2026-10-01,my router is broken again\n", encoding="utf-8")
    with pytest.raises(UsageError, match="run `nabd score"):
        read_history(str(path))


def test_no_times_and_no_such_column(tmp_path: Path) -> None:
    path = scored_file(tmp_path, [{"message": "my router is broken again"}])
    with pytest.raises(ColumnError, match="--time"):
        read_history(path)
    dated = scored_file(tmp_path, [{"date": "2026-10-01", "message": "my router is broken again", "status": "new"}])
    with pytest.raises(ColumnError, match="Did you mean 'status'"):
        read_history(dated, columns={"status": "statuss"})


def test_a_file_can_say_that_it_is_synthetic(tmp_path: Path) -> None:
    row = {"date": "2026-10-01", "message": "my router is broken again", "synthetic": "yes"}
    assert read_history(scored_file(tmp_path, [row])).synthetic
    assert not read_history(scored_file(tmp_path, [row, row | {"synthetic": "no"}])).synthetic


def test_mail_is_joined_by_references(tmp_path: Path) -> None:
    rows = [
        {"message_id": "<a@x>", "references": "", "date": "2026-10-01", "text": "الراوتر خربان من امس"},
        {"message_id": "<c@x>", "references": "<a@x> <b@x>", "date": "2026-10-03", "text": "لسه ما انحلت المشكلة"},
        {"message_id": "<d@x>", "references": "", "date": "2026-10-02", "text": "سؤال ثاني عن الفاتورة"},
    ]  # fmt: skip
    found = threads(read_history(scored_file(tmp_path, rows)).contacts)
    assert [len(ticket.contacts) for ticket in found] == [1, 2]
    assert found[1].contacts[0].text.startswith("الراوتر")


@pytest.mark.parametrize(("first", "now", "path"), [(-0.7, 0.6, "better"), (0.2, -0.8, "worse"), (-0.5, -0.6, "same")])
def test_the_last_message_gives_the_state(tmp_path: Path, first: float, now: float, path: str) -> None:
    rows = [
        {"ticket": "T", "customer": "C", "date": "2026-10-03", "message": "خیلی ممنون، درست شد", "status": "solved",
         "nabd_sentiment_score": now, "nabd_topic": "praise"},
        {"ticket": "T", "customer": "C", "date": "2026-10-01", "message": "مودم من کار نمی‌کند", "status": "open",
         "nabd_sentiment_score": first},
    ]  # fmt: skip
    (ticket,) = threads(read_history(scored_file(tmp_path, rows)).contacts)
    assert (ticket.last.topic, ticket.status, ticket.trajectory) == ("praise", "solved", path)


def test_the_command_writes_one_row_a_ticket(tmp_path: Path) -> None:
    rows = [
        {"ticket": "T", "customer": "C", "date": "2026-10-01", "message": "the app crashes when I open it"},
        {"ticket": "T", "customer": "C", "date": "2026-10-02", "message": "it still crashes, please help me"},
        {"ticket": "U", "customer": "D", "date": "soon", "message": "can I change my address please"},
    ]
    out = tmp_path / "tickets.csv"
    result = CliRunner().invoke(app, ["threads", scored_file(tmp_path, rows), "-o", str(out)])
    assert result.exit_code == 3, result.output
    (ticket,) = csv.DictReader(out.read_text(encoding="utf-8").splitlines())
    assert (ticket["messages"], ticket["last_message"]) == ("2", "2026-10-02T00:00:00+00:00")
    assert Path(f"{out}.rejects.jsonl").exists()
