"""Ordered start, supervised background loops, graceful stop in reverse order.

A second signal while stopping ends the grace at once.
"""

import asyncio
import logging
import random
import signal
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

from shared import metrics
from shared.errors import ServiceError

log = logging.getLogger(__name__)
T = TypeVar("T")
Stop = Callable[[], Awaitable[None]]

CANCEL_AGAIN_S = 1.0
RESTART_MIN_S = 0.1
RESTART_MAX_S = 10.0
"""A loop that crashes again and again is restarted after a delay that doubles up to this."""
SETTLED_S = 30.0
"""A loop that ran so long before it crashed starts again with the shortest delay."""

RESTARTS = metrics.counter(
    "shared_task_restarts_total", "Background loops restarted after a crash", ("task", "code")
)


class Lifecycle:
    """What one process has started, in order. Stops everything exactly once, the latest first."""

    def __init__(self, grace_s: float = 10.0) -> None:
        self._grace_s = grace_s
        self._stops: list[tuple[str, Stop]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop_asked = asyncio.Event()
        self._hurry = asyncio.Event()
        self._rng = random.Random()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self, name: str, start_coro: Awaitable[T], stop: Stop | None = None) -> T:
        """Await start_coro, and remember how to stop what it started. A failure to start is raised."""
        started = await start_coro
        self.on_stop(name, stop)
        return started

    def on_stop(self, name: str, stop: Stop | None) -> None:
        """Remember how to stop a part whose stop is only known after its start."""
        if stop is not None:
            self._stops.append((name, stop))
        log.info("started", extra={"part": name})

    def supervise(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Run `loop` in the background, and again whenever it crashes; it ends when it returns.

        It is a part like any other: cancelled in its turn of the reverse order.
        """
        task = asyncio.create_task(self._keep_running(name, loop), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._stops.append((name, lambda: _cancel(task)))

    async def _keep_running(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        delay_s, clock = RESTART_MIN_S, asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                await loop()
                return
            except ServiceError as exc:
                code = exc.code
                told = {"task": name, "code": code, "detail": exc.detail}
                log.log(logging.WARNING if exc.retryable else logging.ERROR, "task_failed", extra=told)
            except Exception:
                code = ServiceError.code
                log.exception("task_failed", extra={"task": name, "code": code})
            RESTARTS.labels(name, code).inc()
            if clock() - began > SETTLED_S:
                delay_s = RESTART_MIN_S
            await asyncio.sleep(delay_s * self._rng.uniform(0.5, 1.0))
            delay_s = min(delay_s * 2, RESTART_MAX_S)

    def ask_to_stop(self) -> None:
        """What a signal does; the second time ends the grace."""
        if self._stop_asked.is_set():
            self._hurry.set()
        self._stop_asked.set()

    def take_signals(self) -> None:
        """From now on a signal asks to stop. For before anybody hears that all is ready."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.ask_to_stop)

    async def run_until_signal(self) -> None:
        """Wait for SIGTERM or SIGINT, then stop everything, bounded by grace_s."""
        self.take_signals()
        loop = asyncio.get_running_loop()
        try:
            await self._stop_asked.wait()
            log.info("stopping")
            await self.stop()
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    async def stop(self) -> None:
        """Stop the parts in reverse order; each failure is logged, the rest is still stopped."""
        stopping = asyncio.create_task(self._stop_all())
        hurry = asyncio.create_task(self._hurry.wait())
        try:
            await asyncio.wait({stopping, hurry}, timeout=self._grace_s, return_when=asyncio.FIRST_COMPLETED)
            if not stopping.done():
                log.warning("grace_over", extra={"grace_s": self._grace_s})
        finally:
            await _cancel(hurry)
            await _cancel(stopping)
            for task in list(self._tasks):
                await _cancel(task)

    async def _stop_all(self) -> None:
        while self._stops:
            name, stop = self._stops.pop()
            task = asyncio.ensure_future(stop())
            try:
                await asyncio.wait({task})
            finally:
                task.cancel()
            if not task.cancelled() and (error := task.exception()):
                log.warning("stop_failed", extra={"part": name, "reason": repr(error)})


async def _cancel(task: asyncio.Task[T]) -> None:
    """Cancel and wait; the task's own end is not ours.

    Asked again after a while: `asyncio.wait_for` of Python 3.11 can lose a cancellation as it ends.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_AGAIN_S)
