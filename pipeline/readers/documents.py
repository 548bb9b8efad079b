"""One JSON document: an array of objects, or a helpdesk's export, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TextIO

import ijson

from pipeline.errors import InputError
from pipeline.readers.blob import Blob
from pipeline.readers.encoding import Encoding, detect_encoding, open_text
from pipeline.readers.helpdesk import Side, Vendor, find_vendor, flattened, tickets_of_assets
from pipeline.readers.shape import Shape
from pipeline.readers.source import Facts, Layout, Source
from pipeline.records import Reject, Row

_LISTS = ("tickets", "conversations", "results", "data", "items", "records", "messages", "rows")
_OF_A_TICKET = frozenset({"requester_id", "subject", "description", "description_text"})
_WHOLE_BYTES = 256 << 20


class _Utf8:
    """The input as the UTF-8 bytes that the JSON parser reads, whatever its encoding."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size).encode("utf-8")


class _Document:
    """A JSON document that can be gone through again and again."""

    def __init__(self, blob: Blob, encoding: Encoding) -> None:
        self.blob = blob
        self.encoding = encoding

    def items(self, prefix: str) -> Iterator[Any]:
        with open_text(self.blob, self.encoding, newline="") as stream:
            yield from ijson.items(_Utf8(stream), prefix, use_float=True)

    def events(self) -> Iterator[tuple[str, str, Any]]:
        with open_text(self.blob, self.encoding, newline="") as stream:
            yield from ijson.parse(_Utf8(stream), use_float=True)


def read_document(blob: Blob, *, encoding: str | None) -> Source:
    """Reads the input twice: first for the columns and the people.

    Raises InputError when it is no JSON or holds no list of objects.
    """
    found = detect_encoding(blob, encoding)
    if found.dirty:
        raise InputError(f"{blob.name} has bytes that are not {found.label}, and JSON allows none; export it again")
    document = _Document(blob, found)
    prefix = _list_prefix(document)
    first = next((item for item in _objects(document, prefix) if isinstance(item, Row)), None)
    if first is None:
        raise InputError(f"{blob.name} is no JSON list of objects, and no export of a known helpdesk")
    vendor = find_vendor(first.values)
    side = _side(document, prefix) if vendor else Side()
    shape = Shape()
    skipped: dict[str, int] = {}
    shape.learn(_rows(document, prefix, vendor, side, {}))
    kind = f"{vendor.name} export, JSON" if vendor else "JSON"
    facts = Facts("json", shape.columns, f"{kind}, {found.label}", Layout(types=shape.types), skipped)
    rows = _rows(document, prefix, vendor, side, skipped)
    return Source(rows, facts, fraction=blob.fraction, close=blob.close)


def _rows(
    document: _Document, prefix: str, vendor: Vendor | None, side: Side, skipped: dict[str, int]
) -> Iterator[Row | Reject]:
    objects = _objects(document, prefix)
    return flattened(objects, vendor, side, skipped) if vendor else objects


def _list_prefix(document: _Document) -> str:
    """Where the rows are: `item` in a list, `tickets.item` under a key; empty for a document that is one object.

    What Freshdesk calls conversations is of one ticket, where the document has a ticket's other keys, before or behind.
    """
    prefixes, found = {f"{name}.item" for name in _LISTS}, ""
    try:
        for prefix, event, value in document.events():
            if prefix == "item":
                return "item"
            if prefix == "" and event == "map_key" and value in _OF_A_TICKET:
                return ""
            if event == "start_map" and prefix in prefixes:
                if prefix != "conversations.item":
                    return prefix
                found = prefix
    except (ijson.JSONError, RecursionError):
        return found
    return found


def _objects(document: _Document, prefix: str) -> Iterator[Row | Reject]:
    number = 0
    try:
        for item in document.items(prefix) if prefix else _single(document):
            number += 1
            if isinstance(item, dict):
                yield Row(number, item)
            else:
                yield Reject(number, f"row {number} is no object", {"value": item})
    except (ijson.JSONError, RecursionError):
        number += 1
        yield Reject(number, f"row {number} and all after it cannot be read: the JSON is broken or cut short there")


def _single(document: _Document) -> Iterator[Any]:
    """A document of one object: a ticket, a ticket wrapped with its comments and users, or a Zammad answer."""
    if document.blob.size > _WHOLE_BYTES:
        raise InputError(f"{document.blob.name} is one JSON object of {document.blob.size:,} bytes; export a list")
    for whole in document.items(""):
        if isinstance(whole, dict) and isinstance(whole.get("assets"), dict):
            yield from tickets_of_assets(whole)
        elif isinstance(whole, dict) and isinstance(whole.get("ticket"), dict):
            yield {**whole["ticket"], **{key: whole[key] for key in ("comments", "articles") if key in whole}}
        else:
            yield whole


def _side(document: _Document, prefix: str) -> Side:
    if prefix == "item":
        return Side()
    users: dict[str, Any] = {}
    comments: dict[str, list[Any]] = {}
    try:
        for user in document.items("users.item"):
            users[str(user.get("id"))] = {key: user.get(key) for key in ("id", "name", "email", "role")}
        for assets in document.items("assets.User"):
            users.update(assets)
        for comment in document.items("comments.item") if prefix else ():
            comments.setdefault(str(comment.get("ticket_id")), []).append(comment)
    except (ijson.JSONError, AttributeError):
        return Side(users, comments)
    return Side(users, comments)
