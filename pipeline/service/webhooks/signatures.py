"""Whether a webhook came from the helpdesk that it names: each provider's own signature, compared in constant time.

Sources, read in 2026: Zendesk https://developer.zendesk.com/documentation/webhooks/verifying/ (base64 of HMAC-SHA256
over timestamp and body); Chatwoot https://github.com/chatwoot/chatwoot/pull/13573 ("sha256=" and hex of HMAC-SHA256
over timestamp, "." and body); Zammad https://admin-docs.zammad.org/en/latest/manage/webhook/payload.html and
`UserAgent.set_signature` of its source ("sha1=" and hex of HMAC-SHA1 over the body). Freshdesk signs nothing, but its
automation rules can send a header of one's own: there a shared secret stands in.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

WINDOW = timedelta(minutes=5)
SECRET_HEADER = "x-nabd-secret"  # nosec B105 # the name of the header

Headers = Mapping[str, str]
Check = Callable[[Headers, bytes, str, datetime], bool]


def zendesk(headers: Headers, body: bytes, secret: str, now: datetime) -> bool:
    stamp = headers.get("x-zendesk-webhook-signature-timestamp", "")
    expected = b64encode(hmac.digest(secret.encode(), stamp.encode() + body, "sha256")).decode()
    return _same(expected, headers.get("x-zendesk-webhook-signature", "")) and _recent(_of_iso(stamp), now)


def chatwoot(headers: Headers, body: bytes, secret: str, now: datetime) -> bool:
    stamp = headers.get("x-chatwoot-timestamp", "")
    expected = "sha256=" + hmac.digest(secret.encode(), stamp.encode() + b"." + body, "sha256").hex()
    return _same(expected, headers.get("x-chatwoot-signature", "")) and _recent(_of_seconds(stamp), now)


def zammad(headers: Headers, body: bytes, secret: str, now: datetime) -> bool:
    """No time is signed, so a copy is told by its body alone."""
    expected = "sha1=" + hmac.digest(secret.encode(), body, "sha1").hex()
    return _same(expected, headers.get("x-hub-signature", ""))


def freshdesk(headers: Headers, body: bytes, secret: str, now: datetime) -> bool:
    """No time is sent either."""
    return _same(secret, headers.get(SECRET_HEADER, ""))


def _same(expected: str, found: str) -> bool:
    return hmac.compare_digest(expected.encode(), found.encode())


def _recent(stamp: datetime | None, now: datetime) -> bool:
    return stamp is not None and abs(now - stamp) <= WINDOW


def _of_iso(stamp: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _of_seconds(stamp: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return None
