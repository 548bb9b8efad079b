"""One event as a signed request (Standard Webhooks, https://www.standardwebhooks.com), to a URL of the settings."""

from __future__ import annotations

import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from pipeline.errors import UsageError

LEAST_BYTES = 24  # of a secret, as the specification asks


def signer(secret: str) -> Webhook:
    """Raises UsageError for what is no secret of Standard Webhooks: `whsec_` and 24 bytes or more in base64."""
    try:
        if len(binascii.a2b_base64(secret.removeprefix("whsec_"))) >= LEAST_BYTES:
            return Webhook(secret)
    except (binascii.Error, ValueError, EmptyWebhookSecretError):
        pass
    raise UsageError(
        "webhook_secret must be whsec_ and at least 24 random bytes in base64; make one with "
        "python -c 'import base64, os; print(\"whsec_\" + base64.b64encode(os.urandom(32)).decode())'"
    )


def check_urls(urls: Sequence[str]) -> None:
    """Raises UsageError for a URL that events cannot go to: only http and https, and no password in it."""
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise UsageError("webhook_urls must be such as https://desk.example/hooks, without a user or a password")


def request(by: Webhook, id: str, event: Any, now: datetime) -> tuple[bytes, dict[str, str]]:
    """The body and its headers; `id` stays the same when it is sent again."""
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    headers = {
        "content-type": "application/json; charset=utf-8",
        "webhook-id": id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": by.sign(id, now, body),
    }
    return body.encode(), headers
