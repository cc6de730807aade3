"""Ordered start, supervision, stop in reverse, signals."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import pytest

from shared.errors import Unavailable
from shared.lifecycle import Lifecycle
from tests.waiting import eventually


async def started(value: str = "") -> str:
    return value


def noting(notes: list[str], name: str, error: Exception | None = None) -> Callable[[], Awaitable[None]]:
    async def stop() -> None:
        notes.append(name)
        if error:
            raise error

    return stop


async def test_parts_stop_in_reverse_even_when_one_fails_to() -> None:
    notes: list[str] = []
    async with Lifecycle() as life:
        assert await life.start("a", started("bus"), noting(notes, "a")) == "bus"
        await life.start("b", started(), noting(notes, "b", KeyError("bug")))
        await life.start("c", started(), None)
        await life.start("d", started(), noting(notes, "d", Unavailable("away")))

    assert notes == ["d", "b", "a"]


async def test_a_failed_start_stops_what_was_started() -> None:
    notes: list[str] = []

    async def fail() -> None:
        raise Unavailable("no port")

    with pytest.raises(Unavailable):
        async with Lifecycle() as life:
            await life.start("a", started(), noting(notes, "a"))
            await life.start("b", fail(), noting(notes, "b"))

    assert notes == ["a"]


async def test_a_crashed_loop_runs_again_and_a_finished_one_does_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runs: list[int] = []

    async def loop() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise Unavailable("away")
        if len(runs) == 2:
            raise KeyError("bug")

    async with Lifecycle() as life:
        life.supervise("loop", loop)
        await eventually(lambda: len(runs) == 3)

    told = [record for record in caplog.records if record.message == "task_failed"]
    assert [(vars(record)["code"], record.levelname) for record in told] == [
        ("unavailable", "WARNING"),
        ("internal", "ERROR"),
    ]


async def test_a_loop_that_lost_its_cancellation_is_cancelled_again() -> None:
    started, n_cancelled = asyncio.Event(), 0

    async def loop() -> None:
        nonlocal n_cancelled
        while n_cancelled < 2:
            started.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                n_cancelled += 1

    async with Lifecycle() as lifecycle:
        lifecycle.supervise("deaf", loop)
        await started.wait()

    assert n_cancelled == 2


async def test_a_supervised_loop_is_cancelled_in_its_turn() -> None:
    notes: list[str] = []

    async def loop() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            notes.append("loop")

    async with Lifecycle() as life:
        await life.start("bus", started(), noting(notes, "bus"))
        life.supervise("loop", loop)
        await life.start("http", started(), noting(notes, "http"))
        await asyncio.wait({asyncio.create_task(started())})

    assert notes == ["http", "loop", "bus"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_everything(number: signal.Signals) -> None:
    notes: list[str] = []
    life = Lifecycle()
    await life.start("a", started(), noting(notes, "a"))
    before = signal.getsignal(number)
    running = asyncio.create_task(life.run_until_signal())
    await eventually(lambda: signal.getsignal(number) != before)

    os.kill(os.getpid(), number)
    await running

    assert notes == ["a"]


@pytest.mark.parametrize("is_hurried", [True, False])
async def test_a_stop_that_hangs_ends_with_the_grace_or_the_second_signal(is_hurried: bool) -> None:
    clock = asyncio.get_running_loop().time
    hanging = asyncio.Event()

    async def hang() -> None:
        hanging.set()
        await asyncio.Event().wait()

    life = Lifecycle(grace_s=60 if is_hurried else 0.1)
    await life.start("a", started(), hang)
    began = clock()
    stopping = asyncio.create_task(life.run_until_signal())
    life.ask_to_stop()
    await hanging.wait()
    if is_hurried:
        life.ask_to_stop()
    await stopping

    assert clock() - began < 5
