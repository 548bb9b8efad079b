"""One e-mail message taken apart: headers in any charset, the words, the names of attachments."""

from __future__ import annotations

import codecs
import email
import email.policy
from collections.abc import Iterator
from email.header import decode_header
from email.message import EmailMessage, MIMEPart
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any

from pipeline.readers.encoding import decode_legacy

COLUMNS = (
    "message_id", "in_reply_to", "references", "from", "to", "cc", "date", "subject", "email", "text", "attachments",
)  # fmt: skip
_HEADERS = {name: name.replace("_", "-") for name in COLUMNS[:8]}


class Unreadable(Exception):
    """Bytes that are no e-mail message."""


def read_letter(raw: bytes) -> dict[str, Any]:
    """`COLUMNS` and `headers`, an object of every header, with a list where a header is repeated.

    Raises Unreadable when there is no header or the message is damaged beyond parsing.
    """
    try:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        headers = _headers(message)
        if not headers:
            raise Unreadable("it has no header")
        lower = {name.lower(): value for name, value in headers.items()}
        values: dict[str, Any] = {column: _one(lower.get(header)) for column, header in _HEADERS.items()}
        values["date"] = _iso_date(values["date"])
        values["email"] = _address(values["from"])
        values["text"] = _text(message)
        values["attachments"] = [_name(part) for part in _attachments(message)]
        return values | {"headers": headers}
    except (LookupError, ValueError, TypeError, AttributeError, AssertionError, RecursionError) as error:
        raise Unreadable("its structure is damaged") from error


def _headers(message: EmailMessage) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    for name, raw in message.raw_items():
        value = _decoded(raw)
        if name in headers:
            earlier = headers[name]
            headers[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
        else:
            headers[name] = value
    return headers


def _decoded(raw: Any) -> str:
    """RFC 2047 words in their charset; raw 8-bit headers as UTF-8 or the likelier Windows code page."""
    data = str(raw).encode("utf-8", "surrogateescape")
    line = decode_legacy(data).replace("\r", "").replace("\n", "")
    if "=?" not in line:
        return line.strip()
    words = [(word, charset) for word, charset in decode_header(line)]
    return "".join(word if isinstance(word, str) else _in_charset(word, charset) for word, charset in words).strip()


def _in_charset(data: bytes, charset: str | None) -> str:
    """Strict in the declared charset; when that fails, as undeclared text."""
    declared = (charset or "utf-8").strip().lower()
    if declared in ("iso-8859-1", "latin-1", "latin1"):
        declared = "cp1252"
    try:
        return data.decode(codecs.lookup(declared).name)
    except (LookupError, UnicodeDecodeError):
        return decode_legacy(data)


def _one(value: str | list[str] | None) -> str | None:
    return value[0] if isinstance(value, list) else value


def _address(sender: str | None) -> str | None:
    """One spelling of who wrote: the address in lower case, without the name; as it is where there is no address."""
    if not sender:
        return sender
    return parseaddr(sender[max(sender.rfind("<"), 0) :])[1].lower() or sender


def _iso_date(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        return parsedate_to_datetime(value).isoformat()
    except (ValueError, IndexError):
        return value


def _text(message: EmailMessage) -> str:
    """The plain body, or where that is blank the HTML; with what stands as plain text behind it, as after a picture."""
    for kind in ("plain", "html"):
        body = message.get_body(preferencelist=(kind,))
        if body is not None and (text := _content(body)).strip():
            return "\n".join([text, *map(_content, _further(message, body))])
    return ""


def _further(message: EmailMessage, body: MIMEPart) -> Iterator[MIMEPart]:
    parts = list(message.iter_parts()) if message.get_content_type() == "multipart/mixed" else []
    for part in parts:
        is_inline = part.get_content_type() == "text/plain" and not part.is_attachment() and not part.get_filename()
        if is_inline and part is not body:
            yield part


def _content(part: MIMEPart) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    return _in_charset(payload, part.get_content_charset()).replace("\r\n", "\n")


def _attachments(message: EmailMessage) -> Iterator[EmailMessage]:
    for part in message.walk():
        if not part.is_multipart() and (part.get_filename() or part.get_content_disposition() == "attachment"):
            yield part


def _name(part: EmailMessage) -> str:
    return _decoded(part.get_filename() or part.get_content_type())
