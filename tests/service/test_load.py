"""The load harness: its page, and a run of a moment. Nothing here is timed against a limit."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from fastapi.testclient import TestClient
from served import HERE, MakeApp

from pipeline.errors import UsageError
from pipeline.language import Language, detect
from pipeline.service.load.measure import Measured, demo_texts, measure, write_bodies
from pipeline.service.load.page import render
from pipeline.service.load.process import Memory, watched
from pipeline.service.load.served import EMPTY, add_empty
from pipeline.service.load.wrk import Load, load

LOAD = Load(requests=60_000, seconds=300.0, errors=0, p50=250.0, p99=399.0, p999=450.0, longest=500.0)
ENCODER = Measured(
    "nabd-base", "nabd-base@1", (250.0, 270.0),
    (replace(LOAD, requests=600_000), replace(LOAD, requests=900_000)), LOAD,
    Memory([500.0, 500.0, 600.0, *[610.0] * 17]), 0.1,
)  # fmt: skip
STUDENT = replace(
    ENCODER, name="nabd-fast", version="nabd-fast@1", load=replace(LOAD, requests=660_000, p99=41.5, errors=2)
)


def rows(page: str) -> dict[str, list[str]]:
    """First cell of a row -> the others."""
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|")
    return {first: rest for first, *rest in cells}


def test_the_page_says_what_was_reached_and_what_was_missed() -> None:
    found = rows(render([ENCODER, STUDENT]))
    assert found["nabd-base: share of the offline rate"] == ["at least 70%", "77%", "met"]
    assert found["nabd-base: 99% answered within"] == ["under 400 ms", "399.0 ms", "met"]
    assert found["nabd-fast: share of the empty endpoint's rate"] == ["at least 80%", "88%", "met"]
    assert found["nabd-fast: 99% answered within"] == ["under 40 ms", "41.5 ms", "missed"]
    assert found["nabd-fast: errors in 660,000 requests"] == ["0", "2", "missed"]
    assert found["nabd-base: memory at the end, times that at the start"] == ["flat: under 1.1", "1.02", "met"]
    grown = replace(ENCODER, memory=Memory([500.0] * 10 + [560.0] * 10))
    assert rows(render([grown, STUDENT]))["nabd-base: memory at the end, times that at the start"][2] == "missed"


def test_the_empty_endpoint_stands_behind_what_every_request_stands_behind(make_app: MakeApp) -> None:
    app = make_app()
    add_empty(app)
    client = TestClient(app, base_url=HERE)
    answer = client.post(EMPTY, json={"messages": [{"text": "hi"}]})
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["x-request-id"]
    assert b'route="/empty"' in client.get("/metrics").content
    assert client.post("/v1/score", json={"messages": [{"text": "hi"}]}).status_code == 200


def test_the_messages_are_of_three_languages(tmp_path: Path) -> None:
    texts = demo_texts()
    assert {Language.ARABIC, Language.PERSIAN, Language.ENGLISH} <= set(map(detect, texts))
    assert len(write_bodies(tmp_path / "bodies", texts).read_text(encoding="utf-8").splitlines()) == len(texts)


def test_memory_is_seen_to_grow() -> None:
    held: list[bytes] = []
    found = watched(psutil.Process(), 0.2, lambda: held.append(os.urandom(64_000_000)))
    assert found.last - found.megabytes[0] > 50


def test_without_wrk_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="apt-get install wrk"):
        load("http://127.0.0.1:9/", tmp_path / "bodies", 1)


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed: apt-get install wrk")
def test_a_real_service_bears_a_moment_of_load_without_an_error() -> None:
    found = measure("nabd-fast", seconds=2, part=1)
    assert found.load.errors == found.empty[0].errors == 0
    assert found.load.requests > 64
    assert 0 < found.load.p50 <= found.load.p99 <= found.load.longest
    assert min(found.offline) > 0
    assert len(found.memory.megabytes) > 10


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed: apt-get install wrk")
def test_nobody_there_is_an_error_and_no_figure(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="could not ask"):
        load("http://127.0.0.1:1/", write_bodies(tmp_path / "bodies", ["hi"]), 1)
