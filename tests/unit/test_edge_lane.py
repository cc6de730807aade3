"""The lane of a thread: in order, one wake of the loop for what is done together, errors to who asked."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest

from edge.cache.lane import Lane


@pytest.fixture
async def lane() -> AsyncIterator[Lane]:
    made = Lane("test")
    yield made
    await asyncio.to_thread(made.shutdown)


async def test_work_is_done_in_order_in_one_other_thread(lane: Lane) -> None:
    seen = list[tuple[int, int]]()

    def note(number: int) -> None:
        seen.append((number, threading.get_ident()))

    await asyncio.gather(*(lane.do(partial(note, number)) for number in range(50)))

    assert [number for number, _ in seen] == list(range(50))
    assert len({thread for _, thread in seen} - {threading.get_ident()}) == 1


async def test_each_gets_what_its_own_work_returns_or_raises(lane: Lane) -> None:
    def fail() -> int:
        raise OSError("on purpose")

    results = await asyncio.gather(
        lane.do(lambda: 1), lane.do(fail), lane.do(lambda: 3), return_exceptions=True
    )

    assert (results[0], results[2]) == (1, 3)
    assert isinstance(results[1], OSError)


async def test_what_nobody_waits_for_any_more_is_done_all_the_same(lane: Lane) -> None:
    gate, done = threading.Event(), list[str]()
    first = lane.do(gate.wait)
    given_up = lane.do(lambda: done.append("given up"))
    last = lane.do(lambda: done.append("last"))
    given_up.cancel()
    gate.set()
    await first
    await last

    assert done == ["given up", "last"]


async def test_what_is_done_together_wakes_the_loop_once(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, wakes = asyncio.get_running_loop(), list[object]()
    wake = loop.call_soon_threadsafe

    def counted(call: Callable[..., object], *args: object) -> None:
        wakes.append(call)
        wake(call, *args)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    results = [lane.do(lambda: None) for _ in range(10)]
    lane.shutdown()  # all are done before the loop comes round
    await asyncio.gather(*results)

    assert len(wakes) == 1
