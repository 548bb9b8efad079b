"""The watch for drift of a running service. Every message is synthetic."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from served import HERE, MakeApp

from pipeline.bundle import Bundle, Judged
from pipeline.drift.reference import FILE, load_reference, save_reference
from pipeline.drift.sample import WIDTH, sample_of
from pipeline.errors import UsageError
from pipeline.manifest import read_bundle_manifest
from pipeline.records import Message
from pipeline.score import prepare, score
from pipeline.service.drifting import DriftWatch
from pipeline.service.passing import passed
from pipeline.service.settings import ServiceSettings, load_service_settings
from pipeline.service.store.engine import Store
from pipeline.settings import Settings, model_folder
from pipeline.taxonomy import DEFAULT

SIZE = 60
LONG = 60.0
OPENINGS = ("سلام، ", "السلام عليكم، ", "Hello, ", "لطفا ", "يا جماعة ", "Please: ")
MATTERS = (
    "where is my parcel", "سفارشم هنوز نرسیده است", "وين طلبي لحد الآن ما وصل", "the app crashes when I pay",
    "اپلیکیشن باز نمی‌شود", "التطبيق لا يفتح منذ أمس", "I was charged twice", "دو بار پول کم شد", "خصمتم المبلغ مرتين",
)  # fmt: skip
EVERY = [f"{opening}{matter} {day}" for day in range(10) for opening in OPENINGS for matter in MATTERS]
DESK = random.Random(3).sample(EVERY, len(EVERY))
OTHER = [f"{'a very long story of something else entirely, ' * 9}{number}" for number in range(SIZE)]


@pytest.fixture
def folder(tmp_path: Path, tiny_bundle: Bundle, settings: Settings) -> Path:
    """A model's folder with a reference of half of the desk's messages: every other one."""
    judged: list[Judged] = []
    texts = DESK[::2]
    found = score([Message(text) for text in texts], tiny_bundle, settings.routes, on_judged=judged.append)
    lengths = np.array([len(prepare(text).text) for text in texts])
    save_reference(sample_of(found, judged[0].vectors, lengths), str(tmp_path / FILE))
    return tmp_path


def feed(watch: DriftWatch, texts: Sequence[str], bundle: Bundle, settings: Settings) -> None:
    """Each message in a pass of its own."""
    for text in texts:
        watch.add(passed([Message(text)], bundle, settings, written=False))


def test_the_desk_s_own_messages_raise_no_alarm_and_others_do(
    folder: Path, tiny_bundle: Bundle, settings: Settings
) -> None:
    watch = DriftWatch(lambda: folder, size=SIZE, rate=0.01)
    feed(watch, DESK[1 : SIZE * 2 : 2], tiny_bundle, settings)
    same = watch.check()
    assert same is not None
    assert not same.alarm
    assert {signal.name for signal in same.signals} >= {"language", "length", "embedding", "category", "confidence"}
    feed(watch, OTHER, tiny_bundle, settings)
    changed = watch.check()
    assert changed is not None
    assert {"length", "language"} <= set(changed.raised)
    assert (watch.windows, watch.alarms) == (2, 1)


def test_a_window_is_compared_when_it_is_full_and_only_once(
    folder: Path, tiny_bundle: Bundle, settings: Settings
) -> None:
    watch = DriftWatch(lambda: folder, size=SIZE, rate=0.01)
    feed(watch, DESK[1 : SIZE * 2 : 2][:-1], tiny_bundle, settings)
    assert watch.check() is None
    feed(watch, DESK[:5], tiny_bundle, settings)
    assert watch.check() is not None
    assert watch.check() is None
    assert watch.windows == 1


def test_another_version_begins_a_new_window_and_needs_a_reference_of_its_own(
    folder: Path, tiny_bundle: Bundle, settings: Settings
) -> None:
    watch, other = DriftWatch(lambda: folder, size=SIZE, rate=0.01), replace(tiny_bundle, sha256="5" * 64)
    feed(watch, DESK[:SIZE], tiny_bundle, settings)
    feed(watch, DESK[:1], other, settings)
    assert watch.check() is None, "the window began anew"
    feed(watch, DESK[:SIZE], other, settings)
    assert watch.check() is None, "the reference is of the first version"
    assert watch.windows == 0


def test_a_model_without_a_reference_is_served_all_the_same(
    tmp_path: Path, tiny_bundle: Bundle, settings: Settings
) -> None:
    watch = DriftWatch(lambda: tmp_path, size=30, rate=0.01)
    feed(watch, DESK[:30], tiny_bundle, settings)
    assert watch.check() is None


def test_a_service_says_at_its_start_that_there_is_no_reference(
    tmp_path: Path, store: Store, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(store=store)
    app.state.service.drift._folder = lambda: tmp_path
    with caplog.at_level("INFO", "pipeline.service.drifting"), TestClient(app, base_url=HERE):
        until = time.monotonic() + LONG
        while "no watch for drift" not in caplog.text:
            assert time.monotonic() < until
            time.sleep(0.01)


def test_the_metrics_tell_of_windows_alarms_and_signals_and_hold_no_text(folder: Path, make_app: MakeApp) -> None:
    app = make_app(service=ServiceSettings(batch_wait_ms=0, drift_window=30, rate_limit="10000/minute"))
    watch = app.state.service.drift
    watch._folder = lambda: folder
    with TestClient(app, base_url=HERE) as client:
        assert "nabd_drift_windows_total 0.0" in client.get("/metrics").text
        for text in OTHER[:30]:
            assert client.post("/v1/score", json={"messages": [{"text": text}]}).status_code == 200
        assert watch.check() is not None
        shown = client.get("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(shown)}
    assert families["nabd_drift_alarm"].samples[0].value == 1
    raised = {each.labels["signal"]: each.value for each in families["nabd_drift_raised"].samples}
    assert raised["length"] == 1
    assert all(0 < each.value <= 1 for each in families["nabd_drift_p_value"].samples)
    assert "long story" not in shown
    assert not any("story" in str(each) for each in watch._seen)


@pytest.mark.parametrize(("value", "found"), [("0.05", 0.05), ("0.001", 0.001)])
def test_the_rate_of_false_alarms_is_the_user_s(value: str, found: float) -> None:
    environment = {"NABD_SERVICE_DRIFT_ALARM_RATE": value}
    assert load_service_settings(environment=environment).drift_alarm_rate == found


@pytest.mark.parametrize("value", ["0", "0.9", "often", "-1"])
def test_a_rate_that_cannot_be_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match=r"expected a number from 0\.001 to 0\.5"):
        load_service_settings(environment={"NABD_SERVICE_DRIFT_ALARM_RATE": value})


@pytest.mark.parametrize("name", ["nabd-base", "nabd-fast", "nabd-cascade", "nabd-base-stated"])
def test_every_shipped_model_brings_a_reference_of_its_own_version(name: str) -> None:
    folder = model_folder(name)
    reference = load_reference(folder / FILE)
    assert reference.model == f"{name}@{read_bundle_manifest(folder)['sha256'][:8]}"
    assert reference.size > 1000
    assert reference.vectors is not None
    assert reference.vectors.shape[1] == WIDTH
    assert reference.truth is not None
    assert set(reference.labels["category"]) | set(reference.truth) <= set(DEFAULT.category_ids)
