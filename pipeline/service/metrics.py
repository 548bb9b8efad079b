"""What Prometheus reads: requests, batches, what was found, jobs. No label holds a customer's words or id."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.service.passing import Kind

SECONDS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5.0, 10.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128)
Now = Callable[[], float]


class Metrics:
    """Counts of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter("nabd_requests", "Requests", ["method", "route", "status"], registry=self.registry)
        self._seconds = Histogram(
            "nabd_request_seconds", "Seconds to answer", ["route"], buckets=SECONDS, registry=self.registry
        )
        self._rows = Histogram("nabd_batch_rows", "Messages in a batch", buckets=ROWS, registry=self.registry)
        self._batch = Histogram("nabd_batch_seconds", "Seconds of a batch", buckets=SECONDS, registry=self.registry)
        self._scored = Counter("nabd_messages", "Messages scored", ["category", "language"], registry=self.registry)
        self._review = Counter(
            "nabd_abstentions", "Messages for a person to look at", ["reason"], registry=self.registry
        )
        self._refused = Counter(
            "nabd_refused", "Requests refused for want of room or time", ["kind"], registry=self.registry
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def batch(self, rows: int, seconds: float) -> None:
        self._rows.observe(rows)
        self._batch.observe(seconds)

    def scored(self, found: Iterable[Kind]) -> None:
        for category, language, review in found:
            self._scored.labels(category, language).inc()
            for reason in review:
                self._review.labels(reason).inc()

    def refused(self, kind: str) -> None:
        self._refused.labels(kind).inc()

    def watch(self, *, waiting: Now, version: Callable[[], str], jobs: Callable[[], dict[str, int]]) -> None:
        """Adds what is looked up whenever the metrics are read."""
        self.registry.register(_Watched(waiting, version, jobs))

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)


class _Watched(Collector):
    def __init__(self, waiting: Now, version: Callable[[], str], jobs: Callable[[], dict[str, int]]) -> None:
        self._waiting, self._version, self._jobs = waiting, version, jobs

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering asks for no value."""
        return []

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("nabd_queue_rows", "Messages that wait for a batch", value=self._waiting())
        model = GaugeMetricFamily("nabd_model", "The model that is served", labels=["version"])
        model.add_metric([self._version()], 1)
        yield model
        jobs = GaugeMetricFamily("nabd_jobs", "Jobs by state", labels=["state"])
        for state, count in self._jobs().items():
            jobs.add_metric([state], count)
        yield jobs
