"""Drift while serving: what comes in, window by window, beside the reference of the model that is served.

A window holds labels, numbers and vectors, and no text. Of each pass of the encoder it takes one message, so that it
costs little and spans more than one burst. Windows do not overlap and each is compared once: at an alarm rate of 1%,
one window in a hundred raises a false alarm.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.drift.compare import compare
from pipeline.drift.found import Drift
from pipeline.drift.reference import FILE, load_reference
from pipeline.drift.sample import Sample, sample_of
from pipeline.errors import InputError
from pipeline.records import Scored
from pipeline.service.passing import Pass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """One message of a window, without a word of it; `length` is in characters."""

    length: int
    vector: NDArray[np.float32]
    scored: Scored


class DriftWatch:
    """Add messages from any thread; `check` compares a full window, in a thread that may take seconds.

    `size` messages make a window; `rate` is of false alarms, for each window. `folder` is that of the model now served.
    """

    def __init__(self, folder: Callable[[], Path], *, size: int, rate: float) -> None:
        self._folder, self._size, self._rate = folder, size, rate
        self._turn = threading.Lock()
        self._seen: list[Seen] = []
        self.windows = self.alarms = 0
        self.last: Drift | None = None

    def add(self, found: Pass) -> None:
        """The first message of a pass, while there is room in the window; a new version begins a new window."""
        with self._turn:
            if self._seen and self._seen[0].scored.model != found.first.model:
                self._seen, self.last = [], None
            if len(self._seen) < self._size:
                judged = found.judged
                self._seen.append(Seen(int(judged.lengths[0]), judged.vectors[0].copy(), found.first))

    def check(self) -> Drift | None:
        """Compares the window if it is full and begins another; None where there is nothing to compare.

        The reference is read each time, so that the first call, before any window, says that there is none.
        """
        reference = self._reference()
        with self._turn:
            if len(self._seen) < self._size:
                return None
            window, self._seen = self._seen, []
        if reference is None:
            return None
        vectors, lengths = np.stack([each.vector for each in window]), np.array([each.length for each in window])
        stream = sample_of([each.scored for each in window], vectors, lengths)
        if reference.model != stream.model:
            log.info("no watch for drift: the reference is of %s, %s is served", reference.model, stream.model)
            return None
        self.last = compare(reference, stream, rate=self._rate)
        self.windows += 1
        self.alarms += self.last.alarm
        if self.last.alarm:
            log.warning("what comes in has changed: %s; see `nabd drift`", ", ".join(self.last.raised))
        return self.last

    def _reference(self) -> Sample | None:
        """That beside the model; None, and a line in the log, where there is none."""
        try:
            return load_reference(self._folder() / FILE)
        except InputError as error:
            log.info("no watch for drift: %s", error)
            return None


class DriftMetrics(Collector):
    """What Prometheus reads of a watch: windows, alarms and, of the last window, each signal."""

    def __init__(self, watch: DriftWatch) -> None:
        self._watch = watch

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering asks for no value."""
        return []

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily("nabd_drift_windows", "Windows that were compared", value=self._watch.windows)
        yield CounterMetricFamily("nabd_drift_alarms", "Windows that differed from it", value=self._watch.alarms)
        last = self._watch.last
        if last is None:
            return
        yield GaugeMetricFamily("nabd_drift_alarm", "1 when the last window differed", value=last.alarm)
        shown = {"p_value": "Chance of as much by chance", "value": "How far apart: js, ks or auc", "raised": "1 or 0"}
        for name, meaning in shown.items():
            family = GaugeMetricFamily(f"nabd_drift_{name}", f"{meaning}; the last window", labels=["signal"])
            for signal in last.signals:
                family.add_metric([signal.name], float(getattr(signal, name)))
            yield family
