"""The token that every form of the console carries: signed with a secret of the reader's cookies, so that no other site
can write it.

The secret is that of the login, else of a random cookie. Nothing is kept on the server: a token outlives a restart and
is good at any process that serves the console.
"""

from __future__ import annotations

from itsdangerous import BadData, URLSafeTimedSerializer

COOKIE, FIELD, HEADER = "nabd_form", "token", "x-csrf-token"
LIFE = 12 * 3600  # seconds


def token(secret: str) -> str:
    """A new token for the forms of one page."""
    return _serializer(secret).dumps("form")


def is_genuine(secret: str, given: object) -> bool:
    """Whether `given` was made with `secret` within the last twelve hours."""
    try:
        return bool(secret) and _serializer(secret).loads(str(given), max_age=LIFE) == "form"
    except BadData:
        return False


def _serializer(secret: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt="nabd.console.form")
