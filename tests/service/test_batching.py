from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.service.batching import PATIENCE, Batches, Full, Late, Refused
from pipeline.service.lanes import Done, Remote

LONG = 20.0  # seconds: no test waits so long


class Slow:
    """A model of the tests: answers each row with itself and its own name; waits where `gate` is shut."""

    def __init__(self, name: str = "", seconds: float = 0.0) -> None:
        self.name, self.seconds = name, seconds
        self.gate, self.begun = threading.Event(), threading.Event()
        self.gate.set()
        self.batches: list[list[Any]] = []

    def __call__(self, rows: Sequence[Any]) -> list[tuple[str, Any]]:
        self.batches.append(list(rows))
        self.begun.set()
        assert self.gate.wait(LONG)
        time.sleep(self.seconds)
        if "poison" in rows:
            raise ValueError("a row that cannot be scored")
        return [(self.name, row) for row in rows]


def made(**options: Any) -> Batches:
    return Batches(**{"size": 4, "wait": 0.001, "room": 1_000, **options})


@pytest.fixture
def batches() -> Iterator[Batches]:
    found = made()
    yield found
    found.close(seconds=LONG)


def held(batches: Batches, work: Slow) -> threading.Thread:
    """Fills the encoder with one row that waits at the gate."""
    work.gate.clear()
    thread = threading.Thread(target=batches.ask_here, args=(work, ["held"]), kwargs={"as_job": False})
    thread.start()
    assert work.begun.wait(LONG)
    return thread


async def until(holds: Any) -> None:
    async with asyncio.timeout(LONG):
        while not holds():
            await asyncio.sleep(0.001)


@given(
    requests=st.lists(st.lists(st.integers(), max_size=9), min_size=1, max_size=12),
    size=st.integers(1, 6),
    as_jobs=st.sets(st.integers(0, 11)),
)
def test_every_request_gets_its_own_rows_in_order(requests: list[list[int]], size: int, as_jobs: set[int]) -> None:
    batches, work = made(size=size), Slow("one")

    async def all_at_once() -> list[list[tuple[str, int]]]:
        def asked(number: int, rows: list[int]) -> Any:
            if number in as_jobs:
                return asyncio.to_thread(batches.ask_here, work, rows, as_job=True)
            return batches.ask(work, rows, seconds=LONG)

        return await asyncio.gather(*(asked(number, rows) for number, rows in enumerate(requests)))

    answers = asyncio.run(all_at_once())
    batches.close(seconds=LONG)
    assert answers == [[("one", row) for row in rows] for rows in requests]
    assert all(1 <= len(batch) <= size for batch in work.batches)
    assert sum(map(len, work.batches)) == sum(map(len, requests))
    assert batches.requests.waiting == batches.jobs.waiting == 0


def test_requests_that_wait_together_share_a_batch(batches: Batches) -> None:
    work = Slow()

    async def crowd() -> None:
        first = held(batches, work)
        asked = [asyncio.create_task(batches.ask(work, [number], seconds=LONG)) for number in range(8)]
        await until(lambda: batches.requests.waiting == 8)
        work.gate.set()
        await asyncio.gather(*asked)
        first.join()

    asyncio.run(crowd())
    assert work.batches == [["held"], [0, 1, 2, 3], [4, 5, 6, 7]]


def test_who_asks_alone_does_not_wait_for_others() -> None:
    batches, work = made(wait=LONG), Slow()

    async def alone() -> float:
        begun = time.perf_counter()
        for row in range(5):
            await batches.ask(work, [row], seconds=LONG)
        return time.perf_counter() - begun

    assert asyncio.run(alone()) < LONG / 4
    batches.close(seconds=LONG)


def test_a_long_request_delays_others_by_a_batch_not_by_itself(batches: Batches) -> None:
    work = Slow()

    async def crowd() -> None:
        first = held(batches, work)
        long = asyncio.create_task(batches.ask(work, list(range(40)), seconds=LONG))
        await until(lambda: batches.requests.waiting == 40)
        short = asyncio.create_task(batches.ask(work, ["short"], seconds=LONG))
        await until(lambda: batches.requests.waiting == 41)
        work.gate.set()
        assert await short == [("", "short")]
        assert [row for _, row in await long] == list(range(40))
        first.join()

    asyncio.run(crowd())
    assert "short" in work.batches[2]


def test_a_full_queue_refuses_and_says_when_to_try_again() -> None:
    batches, work = made(room=3), Slow(seconds=0.01)

    async def crowd() -> Full:
        first = held(batches, work)
        waiting = asyncio.create_task(batches.ask(work, [1, 2], seconds=LONG))
        await until(lambda: batches.requests.waiting == 2)
        with pytest.raises(Full) as refused:
            await batches.ask(work, [3, 4], seconds=LONG)
        assert batches.requests.waiting == 2
        fits = asyncio.create_task(batches.ask(work, [5], seconds=LONG))
        await until(lambda: batches.requests.waiting == 3)
        work.gate.set()
        assert [row for _, row in await waiting] == [1, 2]
        assert [row for _, row in await fits] == [5]
        first.join()
        return refused.value

    assert asyncio.run(crowd()).seconds >= 1
    assert asyncio.run(batches.ask(work, [1, 2, 3, 4, 5, 6], seconds=LONG))  # an empty queue takes any one request
    batches.close(seconds=LONG)


def test_a_request_past_its_deadline_is_given_up_and_its_rows_are_not_scored(batches: Batches) -> None:
    work = Slow()

    async def late() -> None:
        first = held(batches, work)
        with pytest.raises(Late):
            await batches.ask(work, ["late"], seconds=0.02)
        assert batches.requests.waiting == 0
        work.gate.set()
        assert await batches.ask(work, ["next"], seconds=LONG) == [("", "next")]
        first.join()

    asyncio.run(late())
    assert work.batches == [["held"], ["next"]]


def test_a_request_that_is_late_while_it_is_scored_hurts_nobody(batches: Batches) -> None:
    work = Slow()

    async def late() -> None:
        work.gate.clear()
        with pytest.raises(Late):
            await batches.ask(work, ["late"], seconds=0.05)
        work.gate.set()
        assert await batches.ask(work, ["next"], seconds=LONG) == [("", "next")]

    asyncio.run(late())


def test_an_error_fails_its_own_request_alone(batches: Batches) -> None:
    work = Slow()

    async def crowd() -> list[Any]:
        first = held(batches, work)
        rows = (["a"], ["b", "poison", "c", "d", "e"], ["f"])
        asked = [asyncio.create_task(batches.ask(work, each, seconds=LONG)) for each in rows]
        await until(lambda: batches.requests.waiting == 7)
        work.gate.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        first.join()
        return answers

    one, poisoned, other = asyncio.run(crowd())
    assert (one, other) == ([("", "a")], [("", "f")])
    assert isinstance(poisoned, ValueError)
    assert batches.requests.waiting == 0
    assert asyncio.run(batches.ask(work, ["next"], seconds=LONG)) == [("", "next")]


def test_rows_of_two_models_never_share_a_batch(batches: Batches) -> None:
    old, new = Slow("old"), Slow("new")

    async def crowd() -> list[Any]:
        first = held(batches, old)
        asked = [
            asyncio.create_task(batches.ask(old if number < 5 else new, [number] * 3, seconds=LONG))
            for number in range(10)
        ]
        await until(lambda: batches.requests.waiting == 30)
        old.gate.set()
        answers = await asyncio.gather(*asked)
        first.join()
        return answers

    answers = asyncio.run(crowd())
    for number, rows in enumerate(answers):
        assert rows == [("old" if number < 5 else "new", number)] * 3


def test_jobs_wait_for_requests_but_do_not_starve(batches: Batches) -> None:
    work, stop = Slow(seconds=0.001), threading.Event()

    async def busy() -> None:
        async def client() -> None:
            while not stop.is_set():
                await batches.ask(work, ["request"] * 2, seconds=LONG)

        await asyncio.gather(*(client() for _ in range(8)))

    with ThreadPoolExecutor() as pool:
        load = pool.submit(asyncio.run, busy())
        while len(work.batches) < 5:
            time.sleep(0.001)
        done = pool.submit(batches.ask_here, work, ["job"] * 12, as_job=True).result(LONG)
        stop.set()
        load.result(LONG)
    assert [row for _, row in done] == ["job"] * 12
    turns = [index for index, batch in enumerate(work.batches) if "job" in batch]
    assert len(turns) == 3
    assert all(later - earlier > PATIENCE for earlier, later in pairwise(turns))


def test_closing_answers_the_requests_that_wait_refuses_new_ones_and_hands_jobs_back(batches: Batches) -> None:
    work = Slow()

    async def stopping() -> None:
        first = held(batches, work)
        waiting = [asyncio.create_task(batches.ask(work, [number] * 3, seconds=LONG)) for number in range(3)]
        job = asyncio.create_task(asyncio.to_thread(batches.ask_here, work, ["job"], as_job=True))
        await until(lambda: batches.requests.waiting == 9 and batches.jobs.waiting == 1)
        closing = asyncio.create_task(asyncio.to_thread(batches.close, seconds=LONG))
        with pytest.raises(Refused):
            await job
        with pytest.raises(Refused):
            await batches.ask(work, ["new"], seconds=LONG)
        work.gate.set()
        assert [len(rows) for rows in await asyncio.gather(*waiting)] == [3, 3, 3]
        await closing
        first.join()

    asyncio.run(stopping())
    assert not any("job" in batch or "new" in batch for batch in work.batches)
    batches.open()
    assert asyncio.run(batches.ask(work, ["again"], seconds=LONG)) == [("", "again")]


def test_what_a_stuck_model_does_not_answer_is_refused_at_the_end() -> None:
    batches, work = made(), Slow()

    async def stuck() -> None:
        first = held(batches, work)
        waiting = asyncio.create_task(batches.ask(work, ["waits"], seconds=LONG))
        await until(lambda: batches.requests.waiting == 1)
        await asyncio.to_thread(batches.close, seconds=0.01)
        with pytest.raises(Refused):
            await waiting
        work.gate.set()
        first.join()

    asyncio.run(stuck())


def test_many_loops_and_threads_use_one_queue_and_one_thread(batches: Batches) -> None:
    threads = set()

    class Named(Slow):
        def __call__(self, rows: Sequence[Any]) -> list[tuple[str, Any]]:
            threads.add(threading.current_thread().name)
            return super().__call__(rows)

    work = Named(seconds=0.001)

    def loop_of_its_own(number: int) -> list[Any]:
        async def asks() -> list[Any]:
            return await asyncio.gather(*(batches.ask(work, [number], seconds=LONG) for _ in range(5)))

        return asyncio.run(asks())

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(loop_of_its_own, range(6)))
    assert found == [[[("", number)]] * 5 for number in range(6)]
    assert threads == {"encoder"}


@pytest.mark.parametrize(("quick", "expected"), [(10.0, [4, 2, 2, 2]), (1e-9, [4, 4, 2])])
def test_a_quick_model_gets_half_batches_once_its_pace_is_known(quick: float, expected: list[int]) -> None:
    batches, told = Batches(size=4, wait=0.001, room=100, quick=quick), list[int]()
    batches.on_batch = lambda rows, seconds: told.append(rows)
    asyncio.run(batches.ask(Slow(seconds=0.001), [*range(10)], seconds=LONG))
    batches.close(seconds=LONG)
    assert told == expected


def test_the_batches_are_told(batches: Batches) -> None:
    told: list[tuple[int, float]] = []
    batches.on_batch = lambda rows, seconds: told.append((rows, seconds))
    asyncio.run(batches.ask(Slow(seconds=0.005), [1, 2, 3, 4, 5], seconds=LONG))
    batches.close(seconds=LONG)
    assert [rows for rows, _ in told] == [4, 1]
    assert all(0.005 <= seconds < LONG for _, seconds in told)


class Elsewhere(Remote):
    """Remote work of the tests: what it was given stays there until it is told to answer the first of it."""

    def __init__(self) -> None:
        self.given: list[tuple[Sequence[Any], Done]] = []

    def begin(self, rows: Sequence[Any], done: Done) -> None:
        self.given.append((rows, done))

    def answer(self, *, fail: bool = False) -> list[Any]:
        rows, done = self.given.pop(0)
        done(ValueError("it ended") if fail else list(rows))
        return list(rows)


@pytest.mark.parametrize(("quick", "expected"), [(10.0, [[1, 2], [3, 4]]), (0.0, [[1, 2, 3, 4]])])
def test_a_quick_model_has_the_next_batch_while_it_is_at_one(quick: float, expected: list[list[int]]) -> None:
    batches, work = Batches(size=4, wait=0.001, room=100, quick=quick), Elsewhere()

    async def asked() -> None:
        first = asyncio.create_task(batches.ask(work, [0], seconds=LONG))
        await until(lambda: work.given)
        work.answer()
        assert await first == [0]
        rest = [asyncio.create_task(batches.ask(work, [row], seconds=LONG)) for row in range(1, 9)]
        await until(lambda: len(work.given) == len(expected))
        assert [list(rows) for rows, _ in work.given] == expected
        while work.given:
            work.answer()
        await until(lambda: all(each.done() for each in rest))
        assert [await each for each in rest] == [[row] for row in range(1, 9)]

    asyncio.run(asked())
    batches.close(seconds=LONG)


def test_two_batches_that_fail_together_are_tried_once_more_one_request_at_a_time() -> None:
    batches, work = Batches(size=4, wait=0.001, room=100, quick=10.0), Elsewhere()

    async def asked() -> None:
        first = asyncio.create_task(batches.ask(work, [0], seconds=LONG))
        await until(lambda: work.given)
        work.answer()
        await first
        rest = [asyncio.create_task(batches.ask(work, [row], seconds=LONG)) for row in range(1, 5)]
        await until(lambda: len(work.given) == 2)
        work.answer(fail=True)
        assert len(work.given) == 1
        work.answer(fail=True)
        for row in range(1, 5):
            assert work.answer(fail=row == 3) == [row]
        answers = await asyncio.gather(*rest, return_exceptions=True)
        assert [isinstance(each, ValueError) for each in answers] == [False, False, True, False]

    asyncio.run(asked())
    batches.close(seconds=LONG)
