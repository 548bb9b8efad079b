"""Around every request: its headers, and bodies that are too large, too slow, too deep or too many."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from pipeline.bundle import Bundle
from pipeline.service import bodies
from pipeline.service.app import create_app
from pipeline.service.bodies import DEEPEST, MOST_PARTS, SMALL, Limits, check_shape
from pipeline.service.guard import Guard
from pipeline.service.metrics import Metrics
from pipeline.service.problems import Refusal
from pipeline.service.settings import ServiceSettings
from pipeline.service.tracing import NoTracer
from pipeline.settings import Settings

LIMITS = Limits(body=1_000, upload=5_000, seconds=0.05, total=2_500)
Chunk = bytes | float  # seconds of silence


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that reads all and says how much it was."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"ALLOWALL")]})
    await send({"type": "http.response.body", "body": str(size).encode()})


def guard(app: Any = echo, limits: Limits = LIMITS) -> Guard:
    return Guard(app, limits, Metrics(), NoTracer())


async def ask(
    guard: Guard, chunks: Sequence[Chunk], *, kind: bytes = b"application/json", length: int | None = None,
    path: str = "/v1/score",
) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
    headers = [(b"content-type", kind)]
    headers.append((b"transfer-encoding", b"chunked") if length is None else (b"content-length", b"%d" % length))
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "scheme": "http"}
    waiting, sent = list(chunks), []

    async def receive() -> Message:
        while waiting and isinstance(waiting[0], float):
            await asyncio.sleep(waiting.pop(0))  # type: ignore[arg-type]
        body = waiting.pop(0) if waiting else b""
        return {"type": "http.request", "body": body, "more_body": bool(waiting)}

    async def send(message: Message) -> None:
        sent.append(message)

    await guard(scope, receive, send)
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent)


def test_every_answer_has_the_headers_that_protect_it(tiny_bundle: Bundle, settings: Settings) -> None:
    from fastapi.testclient import TestClient

    client = TestClient(create_app(tiny_bundle, settings, local=True), base_url="http://localhost")
    answers = [
        client.get(path)
        for path in ("/health", "/docs", "/docs/static/start.js", "/openapi.json", "/nothing", "/v1/score")
    ]
    ids = set()
    for answer in (*answers, client.post("/v1/score", content=b"{")):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert "*" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "strict-transport-security" not in answer.headers
        ids.add(answer.headers["x-request-id"])
    assert len(ids) == 7
    assert client.get("/health").headers["cache-control"] == "no-store"
    encrypted = TestClient(client.app, base_url="https://localhost").get("/health")
    assert encrypted.headers["strict-transport-security"] == "max-age=31536000"


def test_a_routes_own_header_does_not_weaken_ours() -> None:
    status, told, body = asyncio.run(ask(guard(), [b"{}"]))
    assert (status, told["x-frame-options"], body) == (200, "DENY", b"2")


def test_a_body_over_the_limit_is_refused_at_its_length_or_while_it_is_read() -> None:
    for chunks, length in (([b"x" * 1_001], 1_001), ([b"x" * 600, b"x" * 600, b"x" * 600], None)):
        for kind in (b"application/json", b"text/plain", b"multipart/form-data; boundary=x"):
            status, told, body = asyncio.run(ask(guard(), chunks, kind=kind, length=length))
            assert (status, told["connection"], told["content-type"]) == (413, "close", "application/problem+json")
            assert b"1,000 bytes" in body
    assert asyncio.run(ask(guard(), [b" " * 500, b" " * 500], length=1_000))[2] == b"1000"


def test_only_an_upload_of_a_form_may_be_larger() -> None:
    form = b"multipart/form-data; boundary=x"
    big = [b"x" * 1_000] * 5
    for path in bodies.UPLOADS:
        assert asyncio.run(ask(guard(), big, kind=form, path=path))[2] == b"5000"
        assert asyncio.run(ask(guard(), big, kind=b"application/json", path=path))[0] == 413
    assert asyncio.run(ask(guard(), big, kind=form, path="/v1/feedback"))[0] == 413
    too_big = [b"x" * 1_000] * 6 + [b"x" * bodies.OVERHEAD]
    assert asyncio.run(ask(guard(), too_big, kind=form, path="/v1/jobs"))[0] == 413


def test_a_slow_body_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    status, told, body = asyncio.run(ask(guard(), [b"{", 5.0, b"}"]))
    assert (status, told["connection"]) == (408, "close")
    assert b"too slowly" in body
    drip = [piece for _ in range(20) for piece in (b" ", 0.01)]
    assert asyncio.run(ask(guard(), drip))[0] == 408
    monkeypatch.setattr(bodies, "SLOWEST", 50)  # a byte buys 20 ms
    assert asyncio.run(ask(guard(), drip))[2] == b"20"


def test_what_came_quickly_buys_no_long_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SLOWEST", 50)  # 500 bytes would buy 10 s
    assert asyncio.run(ask(guard(), [b" " * 500, 1.0, b"}"]))[0] == 408


def test_many_large_bodies_at_once_are_bounded_and_the_room_comes_back() -> None:
    one = guard(limits=Limits(body=1_000, upload=5_000, seconds=5.0, total=2_500))

    async def crowd() -> list[int]:
        slow: list[Chunk] = [b" " * 900, 0.05, b"}"]
        answers = await asyncio.gather(*(ask(one, slow) for _ in range(4)))
        return sorted(status for status, _, _ in answers)

    assert asyncio.run(crowd()) == [200, 200, 503, 503]
    assert one.held == [0]
    assert asyncio.run(ask(one, [b" " * 900]))[0] == 200


def test_an_app_that_fails_after_it_began_to_answer_adds_nothing() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("Sara-4412")

    status, _, body = asyncio.run(ask(guard(broken), [b"{}"]))
    assert (status, body) == (200, b"")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=30,
)


def depth(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (isinstance(value, dict | list)) + max((depth(each) for each in inside), default=0)


@given(value=values, ascii=st.booleans(), extra=st.integers(0, DEEPEST + 5))
def test_the_shape_of_any_json_is_told_without_parsing_it(value: Any, ascii: bool, extra: int) -> None:
    for _ in range(extra):
        value = [value, '"[[[{{{\\']
    body = json.dumps(value, ensure_ascii=ascii).encode()
    if depth(value) > DEEPEST:
        with pytest.raises(Refusal):
            check_shape(body)
    else:
        check_shape(body)


@pytest.mark.parametrize("part", [b"[],", b"{},", b"1,", b'"ab",', b'{"a":1},'])
def test_json_of_too_many_parts_is_refused_before_it_is_parsed(part: bytes) -> None:
    body = b"[" + part * MOST_PARTS + b"1]"
    assert len(body) > SMALL
    with pytest.raises(Refusal) as refused:
        check_shape(body)
    assert refused.value.status_code == 400


def test_the_largest_request_that_is_allowed_passes() -> None:
    columns = {f"column {n}": "قيمة [{" for n in range(30)}
    message = {"text": "م" * 500 + '"[[{{', "id": "1", "customer": "c", "columns": columns, "outcome": {"csat": 1}}
    check_shape(json.dumps({"messages": [message] * 1_000}).encode())


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"9" * 30, b"\xff"])
def test_a_length_that_is_none_is_no_way_around_the_limit(length: bytes) -> None:
    async def told() -> int:
        scope = {
            "type": "http", "method": "POST", "path": "/v1/score", "scheme": "http",
            "headers": [(b"content-type", b"application/json"), (b"content-length", length)],
        }  # fmt: skip
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"x" * 2_000, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await guard()(scope, receive, send)
        return int(sent[0]["status"])

    assert asyncio.run(told()) == 413


def test_the_default_limits_are_those_of_the_settings(tiny_bundle: Bundle, settings: Settings) -> None:
    from pipeline.service.app import limits_of

    limits = limits_of(ServiceSettings(max_body=7, max_upload=9, body_timeout_ms=1_500))
    assert (limits.body, limits.upload, limits.seconds, limits.total) == (7, 9, 1.5, 56)
