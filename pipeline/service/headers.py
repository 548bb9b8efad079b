"""The headers of every answer. Pages load their own files alone; nothing is framed, kept by proxies or shared."""

from __future__ import annotations

Pairs = list[tuple[bytes, bytes]]

POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
        "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
    )
)  # fmt: skip
ALWAYS: Pairs = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]
OWN = {name for name, _ in ALWAYS}
CACHE = b"cache-control"
NOT_CACHED = (CACHE, b"no-store")
ENCRYPTED = (b"strict-transport-security", b"max-age=31536000")


def protected(headers: Pairs, *, encrypted: bool) -> Pairs:
    """An answer's own headers and ours; only its `cache-control` is its own choice."""
    kept = [pair for pair in headers if pair[0].lower() not in OWN]
    if not any(name.lower() == CACHE for name, _ in kept):
        kept.append(NOT_CACHED)
    return [*kept, *ALWAYS, *([ENCRYPTED] if encrypted else [])]
