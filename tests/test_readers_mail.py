"""mbox and EML: charsets, parts, headers, damage."""

from __future__ import annotations

from email.header import Header
from email.message import EmailMessage
from email.mime.text import MIMEText
from pathlib import Path

import pytest

from pipeline.columns import find_roles
from pipeline.readers import open_source
from pipeline.records import Reject, Row

AR, FA, EN = "السلام عليكم، أين طلبي؟", "سلام، سفارش من کجاست؟", "Where is my order? – café"


def letter(text: str, *, charset: str = "utf-8", subject: str = "موضوع") -> EmailMessage:
    message = EmailMessage()
    message["From"] = '"سارة أحمد" <sara@mail.example>'
    message["To"] = "help@shop.example"
    message["Subject"] = subject
    message["Date"] = "Mon, 05 Jan 2026 13:00:00 +0300"
    message["Message-ID"] = "<1@mail.example>"
    message["X-Priority"] = "1"
    message.set_content(text, charset=charset)
    return message


def read(path: Path) -> list[Row | Reject]:
    with open_source(path) as source:
        return list(source)


@pytest.mark.parametrize(
    ("text", "charset"),
    [(AR, "utf-8"), (AR, "windows-1256"), (AR, "iso-8859-6"), (FA, "utf-8"), (EN, "windows-1252"), (EN, "utf-8")],
)
def test_eml_in_every_charset(tmp_path: Path, text: str, charset: str) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(letter(text, charset=charset).as_bytes())
    [row] = read(path)
    assert row.values["text"].strip() == text
    assert row.values["subject"] == "موضوع"
    assert row.values["from"] == "سارة أحمد <sara@mail.example>"
    assert row.values["date"] == "2026-01-05T13:00:00+03:00"
    assert row.values["message_id"] == "<1@mail.example>"
    assert row.values["cc"] is None
    assert row.values["headers"]["X-Priority"] == "1"
    assert row.values["attachments"] == []


def test_parts_and_attachments(tmp_path: Path) -> None:
    message = letter(AR)
    message.add_alternative(f"<p>{AR}</p>", subtype="html")
    message.add_attachment(b"\x89PNG" + bytes(99), maintype="image", subtype="png", filename="صورة الفاتورة.png")
    (tmp_path / "a.eml").write_bytes(message.as_bytes())
    [row] = read(tmp_path / "a.eml")
    assert row.values["text"].strip() == AR
    assert row.values["attachments"] == ["صورة الفاتورة.png"]


@pytest.mark.parametrize(
    "sender", ["Sara <sara@x.example>", '"سارة أ." <sara@x.example>', "SARA@x.example", "Ali, Sara <sara@x.example>"]
)
def test_a_customer_is_one_address_however_it_is_written(tmp_path: Path, sender: str) -> None:
    message = letter(AR)
    message.replace_header("From", sender)
    (tmp_path / "a.eml").write_bytes(message.as_bytes())
    with open_source(tmp_path / "a.eml") as source:
        rows = source.sample(1)
        customer = find_roles(source.columns, rows).customer
    assert customer is not None
    assert rows[0].values[customer] == "sara@x.example"


def test_html_alone_stays_html(tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"] = "a@mail.example"
    message["Subject"] = "x"
    message.set_content(f"<p>{FA}</p>", subtype="html")
    (tmp_path / "a.eml").write_bytes(message.as_bytes())
    assert read(tmp_path / "a.eml")[0].values["text"].strip() == f"<p>{FA}</p>"


def test_html_is_read_where_the_plain_part_is_blank(tmp_path: Path) -> None:
    message = letter(" \n")
    message.add_alternative(f"<p>{FA}</p>", subtype="html")
    (tmp_path / "a.eml").write_bytes(message.as_bytes())
    assert read(tmp_path / "a.eml")[0].values["text"].strip() == f"<p>{FA}</p>"


def test_words_behind_a_picture_are_read_and_an_attached_text_is_not(tmp_path: Path) -> None:
    message = letter(AR)
    message.add_attachment(b"\x89PNG" + bytes(99), maintype="image", subtype="png", disposition="inline")
    message.attach(letter_part(FA))
    message.add_attachment("log of an app", filename="log.txt")
    (tmp_path / "a.eml").write_bytes(message.as_bytes())
    [row] = read(tmp_path / "a.eml")
    assert [line for line in row.values["text"].splitlines() if line] == [AR, FA]
    assert "log.txt" in row.values["attachments"]


def letter_part(text: str) -> EmailMessage:
    part = EmailMessage()
    part.set_content(text)
    return part


def test_headers_in_windows_1256_encoded_and_raw(tmp_path: Path) -> None:
    mail = MIMEText(AR, "plain", "windows-1256")
    mail["From"] = "a@mail.example"
    mail["Subject"] = Header("طلب متأخر جدا ويحتاج إلى متابعة عاجلة من فريق الدعم الفني لديكم", "windows-1256")
    encoded = mail.as_bytes()
    raw = b"From: a@mail.example\r\nReceived: one\r\nReceived: two\r\nSubject: " + "طلب متأخر".encode("cp1256")
    (tmp_path / "a.eml").write_bytes(encoded)
    (tmp_path / "b.eml").write_bytes(raw + b"\r\n\r\n" + AR.encode("cp1256"))
    first, second = read(tmp_path)
    assert first.values["subject"] == "طلب متأخر جدا ويحتاج إلى متابعة عاجلة من فريق الدعم الفني لديكم"
    assert second.values["subject"] == "طلب متأخر"
    assert second.values["text"] == AR
    assert second.values["headers"]["Received"] == ["one", "two"]


def test_wrong_or_unknown_charset_loses_nothing(tmp_path: Path) -> None:
    for number, charset in enumerate(("us-ascii", "x-unknown", "utf-8")):
        head = f"From: a@mail.example\nSubject: x\nContent-Type: text/plain; charset={charset}\n\n"
        (tmp_path / f"{number}.eml").write_bytes(head.encode() + AR.encode("cp1256"))
    assert [item.values["text"] for item in read(tmp_path)] == [AR] * 3


def test_mbox(tmp_path: Path) -> None:
    box = b""
    for text in (AR, FA, EN + "\n\nFrom here on it broke\n"):
        body = letter(text).as_bytes().replace(b"\nFrom ", b"\n>From ")
        box += b"From sara@mail.example Mon Jan  5 13:00:00 2026\n" + body + b"\n\n"
    box += b"From x@mail.example Mon Jan  5 13:00:00 2026\n\n\n"
    path = tmp_path / "export.txt"
    path.write_bytes(box)
    with open_source(path) as source:
        assert source.format == "mbox"
        rows = list(source)
        assert source.fraction() == 1.0
    assert [row.values["text"].strip() for row in rows[:2]] == [AR, FA]
    assert rows[2].values["text"].strip() == EN + "\n\nFrom here on it broke"
    assert isinstance(rows[3], Reject)
    assert rows[3].reason == "message 4 cannot be read: it has no header"


def test_mbox_does_not_split_on_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.mbox"
    path.write_bytes(b"From a@b.example Mon Jan  5 13:00:00 2026\nFrom: a@b.example\n\nHi\n\nFrom now on I leave\n")
    assert [row.values["text"] for row in read(path)] == ["Hi\n\nFrom now on I leave\n"]
