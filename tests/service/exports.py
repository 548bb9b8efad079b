"""Exports to upload, in the three languages, and what becomes of them; the messages are written for these tests."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable, Mapping
from typing import Any

import httpx2
from fastapi.testclient import TestClient

TEXTS = (
    "خصمتوا مني الفلوس مرتين ومحد رد علي، بسكر حسابي عندكم",
    "لم يصلني رمز التحقق منذ الصباح ولا أستطيع الدخول",
    "سفارشم هنوز نرسیده، لطفاً پیگیری کنید",
    "دستتون درد نکنه، مشکلم حل شد",
    "I was charged twice and nobody answers. I am leaving.",
    "How do I change my delivery address?",
)
HEADER = ("message id", "text", "customer id", "created at", "ticket id")


def rows(count: int, *, customers: int = 7) -> list[dict[str, str]]:
    """Every text in turn, of so many customers."""
    return [
        {
            "message id": f"m-{number}",
            "text": f"{TEXTS[number % len(TEXTS)]} {number}",
            "customer id": f"customer-{number % customers:03}",
            "created at": f"2026-11-{1 + number % 19:02}T08:{number % 60:02}:00Z",
            "ticket id": f"t-{number % 40}",
        }
        for number in range(count)
    ]


def as_csv(given: Iterable[Mapping[str, Any]], header: Iterable[str] = HEADER) -> bytes:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(header), lineterminator="\n")
    writer.writeheader()
    writer.writerows(given)
    return stream.getvalue().encode()


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def ended(client: TestClient, job: str, *, seconds: float = 20.0) -> dict[str, Any]:
    """The job once it has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found: dict[str, Any] = client.get(f"/v1/jobs/{job}").json()
        if found["state"] in ("done", "failed", "cancelled"):
            return found
        time.sleep(0.02)
    raise AssertionError(f"the job has not ended: {found['state']}, {found['done']} of {found['rows']}")


def send(client: TestClient, content: bytes, name: str = "export.csv", path: str = "/v1/jobs", **fields: str) -> Any:
    return client.post(path, files={"file": (name, content)}, data=fields)


def problem(answer: httpx2.Response, status: int) -> dict[str, Any]:
    """Asserts a problem document that quotes nothing; returns it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Sara" not in answer.text
    found: dict[str, Any] = answer.json()
    return found
