"""The model in a process of its own: what it says, how it fails, how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvloop
from real import is_running

from pipeline.bundle import Bundle, load
from pipeline.errors import BundleError
from pipeline.explain import explain
from pipeline.records import Message
from pipeline.service.apart import Apart, Fault, _Wire
from pipeline.service.batching import Batches
from pipeline.service.holder import ModelHolder
from pipeline.service.lanes import Done
from pipeline.service.passing import Kind, Pass, passed
from pipeline.service.scoring import Batcher
from pipeline.settings import Settings

TEXTS = ("خصمتوا المبلغ مرتين ومحد رد علي", "سفارشم هنوز نرسیده، لطفاً پیگیری کنید", "I was charged twice", "")
MESSAGES = [Message(text) for text in TEXTS]
LONG = 60.0


@pytest.fixture(scope="module")
def chosen(tiny_models: Path, settings: Settings) -> Settings:
    return replace(settings, model=str(tiny_models / "new"))


@pytest.fixture(scope="module")
def bundle(chosen: Settings) -> Bundle:
    return load(Path(chosen.model))


@pytest.fixture(scope="module")
def apart(chosen: Settings) -> Iterator[Apart]:
    yield (found := Apart(chosen))
    found.close()


def test_it_says_what_this_process_says(apart: Apart, bundle: Bundle, chosen: Settings) -> None:
    assert apart.version == bundle.version
    for written in (False, True):
        here, there = passed(MESSAGES, bundle, chosen, written=written), apart.passed(MESSAGES, written=written)
        assert there.rows == here.rows
        assert there.first == here.first
        assert np.array_equal(there.judged.vectors, here.judged.vectors)
        assert there.judged.vectors.shape == (1, bundle.encoder.width)
    kinds = [
        Kind(each.category.label, each.language, each.review) for each in apart.passed(MESSAGES, written=False).rows
    ]
    assert [each.kind for each in there.rows] == kinds
    assert np.array_equal(apart.encode(TEXTS), bundle.encoder.encode(TEXTS))


def test_what_fails_there_fails_here_and_quotes_nothing(apart: Apart, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Fault) as failed:
        apart.passed([Message(4412)], written=True)  # type: ignore[arg-type]
    assert "TypeError" in str(failed.value)
    assert "4412" not in caplog.text
    assert len(apart.passed(MESSAGES, written=True).rows) == len(MESSAGES)


def test_a_process_that_was_killed_is_replaced_and_the_batch_is_answered(apart: Apart, bundle: Bundle) -> None:
    first = apart.pid
    os.kill(first, signal.SIGKILL)
    assert [each.model for each in apart.passed(MESSAGES, written=False).rows] == [bundle.version] * len(MESSAGES)
    assert apart.pid != first


def test_what_kills_it_each_time_is_given_up(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    apart = Apart(chosen)
    begin = Apart._begin

    def doomed(self: Apart) -> None:
        begin(self)
        os.kill(self.pid, signal.SIGKILL)

    monkeypatch.setattr(Apart, "_begin", doomed)
    os.kill(apart.pid, signal.SIGKILL)
    with pytest.raises(Fault, match="ended 2 times"):
        apart.passed(MESSAGES, written=True)
    monkeypatch.undo()
    assert len(apart.passed(MESSAGES, written=True).rows) == len(MESSAGES)
    apart.close()


def test_a_model_that_is_not_there_or_was_changed_is_refused(
    chosen: Settings, bundle: Bundle, tiny_models: Path
) -> None:
    with pytest.raises(BundleError):
        Apart(replace(chosen, model=str(tiny_models / "nothing")))
    other = replace(bundle, name="other", sha256="0" * 64)
    with pytest.raises(BundleError, match="changed on the disk"):
        ModelHolder(other, chosen, lambda name: other, apart=True)


def test_its_model_is_replaced_and_the_process_before_ends(chosen: Settings, bundle: Bundle, tiny_models: Path) -> None:
    holder = ModelHolder(bundle, chosen, lambda name: load(Path(name)), apart=True)
    before = holder.scorer.apart
    assert before
    first = before.pid
    del before
    reloaded = holder.reload(str(tiny_models / "old"))
    assert {each.model for each in holder.scorer(MESSAGES)} == {reloaded}
    assert reloaded != bundle.version
    until = time.monotonic() + LONG
    while is_running(first):
        assert time.monotonic() < until
        time.sleep(0.01)
    last = holder.scorer.apart
    assert last
    holder.close()
    assert not is_running(last.pid)


def test_an_explanation_is_the_same_wherever_the_model_works(chosen: Settings, bundle: Bundle) -> None:
    holder = ModelHolder(bundle, chosen, lambda name: bundle, apart=True)
    batches = Batches(size=8, wait=0.0, room=100)
    try:
        for text in TEXTS[:3]:
            assert Batcher(holder, batches, deadline=LONG).explain_sync(text) == explain(text, bundle)
    finally:
        batches.close(seconds=LONG)
        holder.close()


SCRIPT = """
import sys
from dataclasses import replace
from pipeline.service.apart import Apart
from pipeline.settings import load_settings
apart = Apart(replace(load_settings(environment={}), model=sys.argv[1]))
print(apart.pid)
raise SystemExit(3)
"""


def test_an_interpreter_that_forgets_it_still_ends_and_takes_it_along(chosen: Settings) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, chosen.model], capture_output=True, text=True, timeout=LONG, check=False
    )
    assert done.returncode == 3
    assert not is_running(int(done.stdout))


def test_a_process_that_is_stuck_is_replaced(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    apart = Apart(chosen)
    monkeypatch.setattr("pipeline.service.apart.STUCK", 5.0)
    first = apart.pid
    os.kill(first, signal.SIGSTOP)
    try:
        assert len(apart.passed(MESSAGES, written=True).rows) == len(MESSAGES)
    finally:
        apart.close()
    assert apart.pid != first
    assert not is_running(first)


async def crowd(batches: Batches, holder: ModelHolder, count: int) -> list[list[Any]]:
    """Many that ask at the same time, as the service does."""
    work = holder.scorer.work(written=False)
    return await asyncio.gather(*(batches.ask(work, [MESSAGES[at % 4]], seconds=LONG) for at in range(count)))


async def ended(batches: Batches, holder: ModelHolder) -> None:
    await asyncio.to_thread(batches.close, seconds=LONG)
    await asyncio.to_thread(holder.close)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_an_event_loop_speaks_with_it_and_so_do_threads(
    chosen: Settings, bundle: Bundle, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    heard: list[Pass] = []
    holder = ModelHolder(bundle, chosen, lambda name: load(Path(name)), on_scored=heard.append, apart=True)
    batches = Batches(size=4, wait=0.001, room=1_000, quick=10.0)

    async def asked() -> None:
        await holder.attach()
        expected = [[each] for each in passed(MESSAGES, bundle, chosen, written=False).rows]
        assert await crowd(batches, holder, 40) == expected * 10
        assert len(heard) >= 10
        text = await asyncio.to_thread(Batcher(holder, batches, deadline=LONG).explain_sync, TEXTS[0])
        assert text == explain(TEXTS[0], bundle)
        assert await asyncio.to_thread(holder.scorer, MESSAGES) == [each for (each,) in expected]
        reloaded = await asyncio.to_thread(holder.reload, chosen.model)
        assert [each.model for (each,) in await crowd(batches, holder, 5)] == [reloaded] * 5
        await ended(batches, holder)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(asked())


def test_on_a_loop_another_takes_its_place_and_what_kills_it_each_time_fails_alone(
    chosen: Settings, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = ModelHolder(bundle, chosen, lambda name: load(Path(name)), apart=True)
    batches, apart = Batches(size=4, wait=0.001, room=1_000, quick=10.0), holder.scorer.apart
    assert apart
    send = _Wire.send

    def deadly(self: _Wire, frame: bytes, done: Done) -> None:
        send(self, frame, done)
        if b"deadly" in frame:
            os.kill(apart.pid, signal.SIGKILL)

    async def asked() -> None:
        await holder.attach()
        first = apart.pid
        waiting = asyncio.create_task(crowd(batches, holder, 40))
        await asyncio.sleep(0)
        os.kill(first, signal.SIGKILL)
        assert [len(each) for each in await waiting] == [1] * 40
        assert apart.pid != first
        monkeypatch.setattr(_Wire, "send", deadly)
        work = holder.scorer.work(written=False)
        killer = asyncio.create_task(batches.ask(work, [Message("deadly")], seconds=LONG))
        assert [len(each) for each in await crowd(batches, holder, 10)] == [1] * 10
        with pytest.raises(Fault, match="ended before it answered"):
            await killer
        await ended(batches, holder)

    asyncio.run(asked())


def test_on_a_loop_a_process_that_is_stuck_is_replaced(
    chosen: Settings, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.service.apart.STUCK", 5.0)
    holder = ModelHolder(bundle, chosen, lambda name: bundle, apart=True)
    batches, apart = Batches(size=4, wait=0.001, room=1_000), holder.scorer.apart
    assert apart
    first = apart.pid

    async def asked() -> None:
        await holder.attach()
        os.kill(first, signal.SIGSTOP)
        assert [len(each) for each in await crowd(batches, holder, 6)] == [1] * 6
        await ended(batches, holder)

    asyncio.run(asked())
    assert apart.pid != first
    assert not is_running(first)
