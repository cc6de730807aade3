"""One thread that does what it is given, in order, and wakes the event loop once for all that is done.

An executor's own way wakes the thread and the loop for each job, which costs more than a small job does.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")


class _Job:
    """What was given, and what became of it."""

    __slots__ = ("error", "outcome", "result", "work")

    def __init__(self, work: Callable[[], Any], result: "asyncio.Future[Any]") -> None:
        self.work = work
        self.result = result
        self.outcome: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """In the thread."""
        try:
            self.outcome = self.work()
        except BaseException as exc:  # whatever it is, it is for who gave the work
            self.error = exc

    def tell(self) -> None:
        """In the loop."""
        if self.result.done():
            return  # cancelled
        if self.error is None:
            self.result.set_result(self.outcome)
        else:
            self.result.set_exception(self.error)


class Lane:
    """Used by one event loop. Invariants: while something is given and not done, the thread works; while
    something is done and untold, the loop is about to tell."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._lock = Lock()
        self._given: deque[_Job] = deque()
        self._is_working = False
        self._done: list[_Job] = []

    def do(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Have work done after all that was given before: what it returns or raises. It is done even when
        nobody waits for it any more."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()
        with self._lock:
            self._given.append(_Job(work, result))
            was_working, self._is_working = self._is_working, True
        if not was_working:
            self._thread.submit(self._work, loop)
        return result

    def shutdown(self) -> None:
        """Wait for what was given; take no more."""
        self._thread.shutdown(wait=True)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """In the thread."""
        while (job := self._next()) is not None:
            job.run()
            with self._lock:
                is_first = not self._done
                self._done.append(job)
            if is_first:
                with suppress(RuntimeError):  # the loop is closed: nobody is there to be told
                    loop.call_soon_threadsafe(self._tell)

    def _next(self) -> _Job | None:
        with self._lock:
            self._is_working = bool(self._given)
            return self._given.popleft() if self._given else None

    def _tell(self) -> None:
        with self._lock:
            done, self._done = self._done, []
        for job in done:
            job.tell()


def given(pool: Lane | ThreadPoolExecutor, work: Callable[[], T]) -> asyncio.Future[T]:
    """Work that a thread of the pool does."""
    if isinstance(pool, Lane):
        return pool.do(work)
    return asyncio.get_running_loop().run_in_executor(pool, work)
