"""Sends the events that wait: signed, tried again ever later, and given up after eight times.

Each try is claimed in the store first, so that two processes on one store do not send the same event at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
from sqlalchemy import select, update
from standardwebhooks import Webhook

from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Outgoing
from pipeline.service.webhooks.events import receiver
from pipeline.service.webhooks.signing import check_urls, request, signer

# After each try that failed, as the specification of Standard Webhooks suggests; the eighth is the last.
DELAYS = tuple(
    timedelta(seconds=each) for each in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600)
)  # fmt: skip
MOST_TRIES = len(DELAYS) + 1
CLAIM = timedelta(minutes=2)  # how long a try may take before another process tries it too
AT_ONCE = 50
GONE = 410  # the receiver wants no more of it
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Try:
    """One event to send now; `attempts` counts this one."""

    id: str
    event: Any
    url: str
    attempts: int


class Delivery:
    """`send_due` is one round. No redirect is followed and no proxy of the environment used.

    Raises UsageError when the URLs or the secret of the settings cannot be used.
    """

    def __init__(
        self, store: Store, urls: Sequence[str], secret: str, *, clock: Callable[[], datetime],
        transport: httpx2.BaseTransport | None = None,
    ) -> None:  # fmt: skip
        check_urls(urls)
        self._store, self._clock = store, clock
        self._urls = {receiver(url): url for url in urls}
        self._signer: Webhook | None = signer(secret) if urls else None
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(5.0, connect=3.0), follow_redirects=False, trust_env=False, transport=transport
        )

    def close(self) -> None:
        self._client.close()

    def send_due(self) -> int:
        """Tries what is due once; a receiver that fails is left alone for the rest of the round. Returns how many went.

        What is addressed to a URL that the settings no longer name is given up.
        """
        sent, failing = 0, set[str]()
        for id in self._due():
            attempt = self._claim(id)
            if attempt is None or attempt.url in failing:
                if attempt:
                    self._put_back(attempt)
                continue
            status, error = self._send(attempt)
            self._record(attempt, status, error)
            if error:
                failing.add(attempt.url)
            sent += not error
        return sent

    def _due(self) -> list[str]:
        query = select(Outgoing.id).where(Outgoing.state == "waiting", Outgoing.next_at <= self._clock())
        with self._store.read() as session:
            return list(session.scalars(query.order_by(Outgoing.next_at, Outgoing.id).limit(AT_ONCE)))

    def _claim(self, id: str) -> Try | None:
        """The event if no one else took it meanwhile; its next try is put off while this one runs."""
        with self._store.begin() as session:
            row = session.get(Outgoing, id)
            if row is None or row.state != "waiting" or row.next_at > self._clock():
                return None
            url = self._urls.get(row.body.get("to", ""))
            change: dict[str, Any] = {"attempts": row.attempts + 1, "next_at": self._clock() + CLAIM}
            if url is None:
                change = {"state": "dead", "error": "the settings no longer name its URL"}
            taken = session.execute(
                update(Outgoing)
                .where(Outgoing.id == id, Outgoing.state == "waiting", Outgoing.attempts == row.attempts)
                .values(change)
                .execution_options(synchronize_session=False)
            )
            if url is None or not taken.rowcount:  # type: ignore[attr-defined]
                return None
            return Try(id, row.body["event"], url, row.attempts + 1)

    def _send(self, attempt: Try) -> tuple[int, str]:
        """The status, and what went wrong; nothing of the answer is read."""
        assert self._signer is not None  # nosec B101 # for the types: there are URLs
        body, headers = request(self._signer, attempt.id, attempt.event, self._clock())
        try:
            with self._client.stream("POST", attempt.url, content=body, headers=headers) as answer:
                status = answer.status_code
        except httpx2.HTTPError as error:
            return 0, type(error).__name__
        return status, "" if 200 <= status < 300 else f"answered {status}"

    def _record(self, attempt: Try, status: int, error: str) -> None:
        now = self._clock()
        change: dict[str, Any] = {"state": "sent", "error": "", "next_at": now}
        if error:
            is_over = status == GONE or attempt.attempts >= MOST_TRIES
            change = {"error": error, "state": "dead" if is_over else "waiting"}
            change["next_at"] = now if is_over else now + DELAYS[attempt.attempts - 1]
            log.warning("webhook %s: try %d of %d: %s", attempt.id, attempt.attempts, MOST_TRIES, error)
        self._change(attempt, change)

    def _put_back(self, attempt: Try) -> None:
        """It was not tried, so it does not count."""
        self._change(attempt, {"attempts": attempt.attempts - 1, "next_at": self._clock() + DELAYS[0]})

    def _change(self, attempt: Try, values: dict[str, Any]) -> None:
        with self._store.begin() as session:
            session.execute(update(Outgoing).where(Outgoing.id == attempt.id).values(values))
