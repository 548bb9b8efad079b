"""JSON Lines, JSON arrays and the exports of four helpdesks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InputError
from pipeline.readers import MAX_CELL, open_source
from pipeline.records import Reject, Row

AR, FA, EN = "الطلب لم يصل إلى الآن", "سفارشم هنوز نرسیده است", "My parcel is still missing"
COMMON = ["id", "thread", "customer", "time", "channel", "subject", "text"]


def save(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def read(path: Path) -> tuple[list[dict[str, Any]], list[Reject], dict[str, int]]:
    with open_source(path) as source:
        items = list(source)
        rows = [dict(item.values) for item in items if isinstance(item, Row)]
        assert all(list(row)[:1] and set(row) <= set(source.columns) for row in rows)
        return rows, [item for item in items if isinstance(item, Reject)], source.skipped


def test_json_lines_keep_keys_types_and_nesting(tmp_path: Path) -> None:
    given = [
        {"id": 1, "text": AR, "tags": ["a", {"b": 2}]},
        {"text": FA, "id": 2, "score": 0.5},
        {"id": None, "text": EN},
    ]
    path = save(tmp_path / "a.jsonl", "\n".join(json.dumps(row) for row in given))
    with open_source(path) as source:
        assert (source.format, source.columns) == ("jsonl", ("id", "text", "tags", "score"))
        assert source.layout.types == {"id": "int", "text": "string", "tags": "string", "score": "float"}
        rows = list(source)
    assert [row.values for row in rows] == given
    assert [list(row.values) for row in rows] == [list(row) for row in given]


def test_bad_json_lines_are_rejects_with_their_line(tmp_path: Path) -> None:
    lines = [
        '{"text": "one"}',
        "",
        '{"text": ',
        "[1]",
        "null",
        '"سلام"',
        '{"text": "two"}',
        '{"text": "' + "x" * 17_000_000,
    ]
    rows, rejects, _ = read(save(tmp_path / "a.jsonl", "\n".join(lines)))
    assert [row["text"] for row in rows] == ["one", "two"]
    assert [one.number for one in rejects] == [2, 3, 4, 5, 7]
    assert rejects[0].reason == "row 2 (line 3) is no JSON: broken at column 10"
    assert rejects[0].values == {"raw": '{"text": '}
    assert "is a list, expected an object" in rejects[1].reason
    assert "is null" in rejects[2].reason
    assert "is a string" in rejects[3].reason
    assert "is 17,000,010 characters long" in rejects[4].reason


def test_json_lines_without_the_extension(tmp_path: Path) -> None:
    path = save(tmp_path / "a.txt", f'{{"text": "{AR}"}}\n{{"text": "{EN}"}}\n')
    assert [row["text"] for row in read(path)[0]] == [AR, EN]


def test_array_of_objects_is_streamed(tmp_path: Path) -> None:
    given = [{"id": number, "text": text, "more": {"a": [1.5, None]}} for number, text in enumerate((AR, FA, EN))]
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path = tmp_path / "a.json"
        path.write_bytes(json.dumps(given, ensure_ascii=False).encode(encoding))
        assert read(path)[0] == given


def test_broken_array_keeps_the_rows_before(tmp_path: Path) -> None:
    rows, rejects, _ = read(save(tmp_path / "a.json", '[{"text": "one"}, 5, {"text": "two"}, {"text": "th'))
    assert [row["text"] for row in rows] == ["one", "two"]
    assert rejects[0].reason == "row 2 is no object"
    assert rejects[1].reason.startswith("row 4 and all after it cannot be read")


def test_long_cell_in_json(tmp_path: Path) -> None:
    rows, rejects, _ = read(save(tmp_path / "a.json", [{"text": "x" * (MAX_CELL + 1)}, {"text": "fine"}]))
    assert [row["text"] for row in rows] == ["fine"]
    assert "1,000,001 characters" in rejects[0].reason


def test_json_that_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no JSON list of objects"):
        open_source(save(tmp_path / "a.json", "[[1, 2], [3]]"))


ZENDESK_TICKET = {
    "id": 35, "subject": "طلب متأخر", "description": AR, "requester_id": 7, "via": {"channel": "email"},
    "status": "open", "created_at": "2026-01-05T10:00:00Z", "custom_fields": [{"id": 1, "value": "gold"}], "url": "https://a.example/35",
}  # fmt: skip
ZENDESK_COMMENTS = [
    {
        "id": 1,
        "author_id": 7,
        "body": AR,
        "public": True,
        "created_at": "2026-01-05T10:00:00Z",
        "via": {"channel": "email"},
    },
    {"id": 2, "author_id": 9, "body": "نعتذر", "public": True, "created_at": "2026-01-05T11:00:00Z"},
    {"id": 3, "author_id": 9, "body": "check the courier", "public": False, "created_at": "2026-01-05T11:05:00Z"},
    {"id": 4, "author_id": 7, "plain_body": EN, "body": "x", "public": True, "created_at": "2026-01-06T09:00:00Z"},
    {"id": 5, "author_id": -1, "body": "closed", "public": True},
    {"id": 6, "author_id": 7, "body": " ", "public": True},
]
USERS = [
    {"id": 7, "email": "sara@mail.example", "role": "end-user"},
    {"id": 9, "email": "agent@shop.example", "role": "agent"},
]


def check_zendesk(rows: list[dict[str, Any]], skipped: dict[str, int], customer: str) -> None:
    assert [list(row)[:7] for row in rows] == [COMMON] * 2
    assert [row["text"] for row in rows] == [AR, EN]
    assert [row["id"] for row in rows] == ["1", "4"]
    assert {row["thread"] for row in rows} == {"35"}
    assert {row["customer"] for row in rows} == {customer}
    assert [row["time"] for row in rows] == ["2026-01-05T10:00:00Z", "2026-01-06T09:00:00Z"]
    assert [row["channel"] for row in rows] == ["email", "email"]
    assert rows[0]["subject"] == "طلب متأخر"
    assert rows[0]["status"] == "open"
    assert rows[0]["custom_fields"] == [{"id": 1, "value": "gold"}]
    assert skipped == {"agent message": 1, "private note": 1, "system message": 1, "empty": 1}


def test_zendesk_export_of_lines(tmp_path: Path) -> None:
    lines = json.dumps({**ZENDESK_TICKET, "comments": ZENDESK_COMMENTS}) + "\nnot json\n"
    rows, rejects, skipped = read(save(tmp_path / "tickets.json", lines))
    check_zendesk(rows, skipped, "7")
    assert len(rejects) == 1


def test_zendesk_page_with_side_loaded_users_and_comments(tmp_path: Path) -> None:
    comments = [{**comment, "ticket_id": 35} for comment in ZENDESK_COMMENTS]
    page = {"tickets": [ZENDESK_TICKET], "users": USERS, "comments": comments, "count": 1}
    rows, _, skipped = read(save(tmp_path / "page.json", page))
    check_zendesk(rows, skipped, "sara@mail.example")


def test_zendesk_ticket_without_comments_gives_its_description(tmp_path: Path) -> None:
    rows, _, _ = read(save(tmp_path / "a.json", {"users": USERS, "tickets": [ZENDESK_TICKET]}))
    assert [(row["id"], row["text"], row["customer"]) for row in rows] == [("35", AR, "sara@mail.example")]


def test_zendesk_single_ticket_with_its_comments(tmp_path: Path) -> None:
    rows, _, skipped = read(
        save(tmp_path / "a.json", {"ticket": ZENDESK_TICKET, "comments": ZENDESK_COMMENTS, "users": USERS})
    )
    check_zendesk(rows, skipped, "sara@mail.example")


def freshdesk_ticket() -> dict[str, Any]:
    return {
        "id": 20, "subject": "تاخیر", "description": f"<div>{FA}</div>", "description_text": FA, "requester_id": 129,
        "source": 7, "status": 2, "priority": 1, "created_at": "2026-02-02T08:00:00Z", "tags": ["vip"],
        "custom_fields": {"cf_city": "شیراز"}, "requester": {"id": 129, "name": "رضا", "email": "reza@mail.example"},
        "conversations": [
            {"id": 5, "body_text": "در حال بررسی", "incoming": False, "private": False, "user_id": 1},
            {"id": 6, "body_text": "internal", "incoming": False, "private": True, "user_id": 1},
            {"id": 7, "body_text": EN, "incoming": True, "user_id": 129, "created_at": "2026-02-03T08:00:00Z"},
        ],
    }  # fmt: skip


def test_freshdesk_api(tmp_path: Path) -> None:
    outbound = {**freshdesk_ticket(), "id": 21, "source": 10, "conversations": []}
    rows, _, skipped = read(save(tmp_path / "a.json", [freshdesk_ticket(), outbound]))
    assert [row["text"] for row in rows] == [FA, EN]
    assert [row["id"] for row in rows] == ["20", "7"]
    assert [row["time"] for row in rows] == ["2026-02-02T08:00:00Z", "2026-02-03T08:00:00Z"]
    assert {(row["thread"], row["customer"], row["channel"]) for row in rows} == {("20", "reza@mail.example", "chat")}
    assert rows[0]["custom_fields"] == {"cf_city": "شیراز"}
    assert skipped == {"agent message": 2, "private note": 1}


@pytest.mark.parametrize("turned", [False, True])
def test_a_single_freshdesk_ticket_is_not_the_list_of_its_conversations(tmp_path: Path, turned: bool) -> None:
    ticket = freshdesk_ticket()
    ticket = dict(reversed(ticket.items())) if turned else ticket
    rows, _, skipped = read(save(tmp_path / "a.json", ticket))
    assert [(row["id"], row["text"], row["customer"]) for row in rows] == [
        ("20", FA, "reza@mail.example"),
        ("7", EN, "reza@mail.example"),
    ]
    assert skipped == {"agent message": 1, "private note": 1}


def test_freshdesk_account_export(tmp_path: Path) -> None:
    note = {"note": {"id": 8, "body": EN, "incoming": True, "private": False, "user_id": 129, "created_at": "t"}}
    ticket = {
        "display_id": 3,
        "id": 900,
        "description": AR,
        "requester_id": 129,
        "source": 1,
        "notes": [note],
        "urgent": True,
    }
    rows, _, _ = read(save(tmp_path / "Tickets0.json", [{"helpdesk_ticket": ticket}]))
    assert [(row["thread"], row["text"], row["customer"], row["channel"]) for row in rows] == [
        ("3", AR, "129", "email"),
        ("3", EN, "129", "email"),
    ]
    assert rows[0]["urgent"] is True


def test_intercom(tmp_path: Path) -> None:
    user, admin = {"type": "user", "id": "u1", "email": "lina@mail.example"}, {"type": "admin", "id": "9"}
    parts = [
        {"id": "p1", "part_type": "comment", "body": "<p>hello</p>", "author": admin, "created_at": 1767600100},
        {"id": "p2", "part_type": "note", "body": "angry one", "author": admin, "created_at": 1767600200},
        {"id": "p3", "part_type": "comment", "body": f"<p>{FA}</p>", "author": user, "created_at": 1767603600},
        {"id": "p4", "part_type": "close", "body": None, "author": admin, "created_at": 1767603700},
        {"id": "p5", "part_type": "comment", "body": "I am a bot", "author": {"type": "bot", "id": "b"}},
    ]
    conversation = {
        "type": "conversation", "id": "147", "created_at": 1767600000, "state": "open", "title": None,
        "source": {"type": "whatsapp", "id": "s1", "subject": "", "body": f"<p>{AR}</p>", "author": user},
        "conversation_parts": {"type": "conversation_part.list", "conversation_parts": parts, "total_count": 5},
    }  # fmt: skip
    page = {"type": "conversation.list", "conversations": [conversation], "pages": {"page": 1}}
    rows, _, skipped = read(save(tmp_path / "a.json", page))
    assert [(row["id"], row["text"]) for row in rows] == [("s1", f"<p>{AR}</p>"), ("p3", f"<p>{FA}</p>")]
    assert [row["time"] for row in rows] == ["2026-01-05T08:00:00+00:00", "2026-01-05T09:00:00+00:00"]
    assert {(row["thread"], row["customer"], row["channel"]) for row in rows} == {
        ("147", "lina@mail.example", "whatsapp")
    }
    assert rows[0]["state"] == "open"
    assert skipped == {"agent message": 1, "private note": 1, "system message": 2}


ARTICLES = [
    {"id": 1, "ticket_id": 4, "sender": "Customer", "type": "email", "internal": False, "body": AR, "subject": "تأخير"},
    {"id": 2, "ticket_id": 4, "sender": "Agent", "type": "email", "internal": False, "body": "sorry"},
    {"id": 3, "ticket_id": 4, "sender": "Agent", "type": "note", "internal": True, "body": "vip"},
    {"id": 4, "ticket_id": 4, "sender_id": 3, "type_id": 10, "internal": False, "body": "merged"},
    {"id": 5, "ticket_id": 4, "sender_id": 2, "type_id": 11, "internal": False, "body": FA, "created_at": "2026-03-01"},
]


def check_zammad(rows: list[dict[str, Any]], skipped: dict[str, int]) -> None:
    assert [(row["id"], row["text"], row["channel"]) for row in rows] == [("1", AR, "email"), ("5", FA, "web")]
    assert {(row["thread"], row["customer"], row["number"]) for row in rows} == {("4", "omar@mail.example", "31004")}
    assert [row["subject"] for row in rows] == ["تأخير", "Late parcel"]
    assert skipped == {"agent message": 1, "private note": 1, "system message": 1}


def test_zammad_tickets_with_articles(tmp_path: Path) -> None:
    ticket = {"id": 4, "number": "31004", "title": "Late parcel", "customer": "omar@mail.example", "customer_id": 8}
    rows, _, skipped = read(save(tmp_path / "a.json", [{**ticket, "articles": ARTICLES}]))
    check_zammad(rows, skipped)


def test_zammad_answer_with_assets(tmp_path: Path) -> None:
    ticket = {"id": 4, "number": "31004", "title": "Late parcel", "customer_id": 8}
    assets = {
        "Ticket": {"4": ticket},
        "TicketArticle": {str(article["id"]): article for article in ARTICLES},
        "User": {"8": {"id": 8, "email": "omar@mail.example", "firstname": "Omar"}},
    }
    rows, _, skipped = read(save(tmp_path / "a.json", {"ticket_id": 4, "ticket_article_ids": [1], "assets": assets}))
    check_zammad(rows, skipped)


def test_an_export_without_customer_messages(tmp_path: Path) -> None:
    ticket = {"id": 4, "customer_id": 8, "articles": ARTICLES[1:4]}
    with pytest.raises(InputError, match="no customer message; left out: 1 agent message, 1 private note, 1 system"):
        open_source(save(tmp_path / "a.json", [ticket]))


def test_a_ticket_of_the_wrong_shape_is_a_reject(tmp_path: Path) -> None:
    odd = {**freshdesk_ticket(), "source": ["chat"]}
    rows, rejects, _ = read(save(tmp_path / "a.json", [freshdesk_ticket(), odd]))
    assert len(rows) == 2
    assert rejects[0].reason == "ticket 2 does not have the shape of a Freshdesk ticket"
    assert rejects[0].values["source"] == ["chat"]
