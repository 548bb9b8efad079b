"""What docs/helpdesks.md shows works as it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kept import TEXTS
from kept import row as kept_row

from pipeline.service.api.inbound import PROVIDERS
from pipeline.service.settings import NAMES, PREFIX
from pipeline.service.webhooks import payloads
from pipeline.service.webhooks.delivery import DELAYS, MOST_TRIES
from pipeline.service.webhooks.events import AT_RISK, MESSAGE_ESCALATED, escalated
from pipeline.service.webhooks.signing import request, signer

PAGE = (Path(__file__).parents[2] / "docs" / "helpdesks.md").read_text(encoding="utf-8")
BLOCKS = dict(
    reversed(re.findall(r"^```(json|python)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
)  # the first of each
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # of the specification's examples


@pytest.fixture
def event_of() -> Callable[[bytes, dict[str, str], str], Any]:
    """The receiver's function of the page."""
    found: dict[str, Any] = {}
    exec(BLOCKS["python"], found)
    function: Callable[[bytes, dict[str, str], str], Any] = found["event_of"]
    return function


def test_every_helpdesk_is_there_with_its_address_and_its_secret() -> None:
    rows = re.findall(r"^\| \w+ \| `/v1/inbound/(\w+)` \| `(\w+)` \|", PAGE, re.MULTILINE)
    assert rows == [(name, f"{PREFIX}{name.upper()}_SECRET") for name in PROVIDERS]
    assert {f"{name}_secret" for name in PROVIDERS} < set(NAMES)


@pytest.mark.parametrize("language", TEXTS)
def test_a_trigger_that_posts_the_pages_body_is_read(language: str) -> None:
    values = {
        "{{ticket.id}}": "12", "{{ticket.requester.id}}": "c-9", "{{ticket.via}}": "web", "{{ticket.title}}": "",
        "{{ticket.updated_at_with_timestamp}}": "2026-11-20T11:30:00Z",
        "{{ticket.latest_public_comment}}": TEXTS[language],
    }  # fmt: skip
    body = BLOCKS["json"]
    for name, value in values.items():
        assert name in body
        body = body.replace(name, value)
    (arrival,) = payloads.zendesk(json.loads(body))
    assert (arrival.text, arrival.customer, arrival.ticket) == (TEXTS[language], "c-9", "zendesk:12")
    assert arrival.id == "zendesk:12-2026-11-20T11:30:00Z"
    assert arrival.time == datetime(2026, 11, 20, 11, 30, tzinfo=UTC)


def test_the_receiver_of_the_page_knows_our_events(event_of: Callable[[bytes, dict[str, str], str], Any]) -> None:
    now = datetime.now(UTC)
    (row,) = escalated(kept_row("m-1", "c-1", text=TEXTS["fa"]), ["https://desk.example/hooks"], now)
    body, headers = request(signer(SECRET), row.id, row.body["event"], now)
    assert event_of(body, headers, SECRET) == row.body["event"]
    assert event_of(body.replace(b"c-1", b"c-2"), headers, SECRET) is None
    assert event_of(body, headers, "whsec_" + "b" * 32) is None
    old = request(signer(SECRET), row.id, row.body["event"], now - timedelta(minutes=6))
    assert event_of(*old, SECRET) is None


def test_what_is_sent_is_told() -> None:
    assert f"`{AT_RISK}`" in PAGE
    assert f"`{MESSAGE_ESCALATED}`" in PAGE
    assert MOST_TRIES == 8
    assert timedelta(days=1) < sum(DELAYS, timedelta()) < timedelta(days=1.5)
