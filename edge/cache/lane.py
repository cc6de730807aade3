"""One thread that does what it is given, in order, and wakes the event loop once for all that is done.

An executor's own way wakes the loop for each job, which costs more than a small job does.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")


class Lane:
    """Used by one event loop. Invariant: while something is done and untold, the loop is about to tell."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._lock = Lock()
        self._done: list[tuple[asyncio.Future[Any], Future[Any]]] = []

    def do(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Have work done after all that was given before: what it returns or raises. It is done even when
        nobody waits for it any more."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()
        self._thread.submit(work).add_done_callback(partial(self._ended, loop, result))
        return result

    def shutdown(self) -> None:
        """Wait for what was given; take no more."""
        self._thread.shutdown(wait=True)

    def _ended(self, loop: asyncio.AbstractEventLoop, result: asyncio.Future[T], outcome: Future[T]) -> None:
        """In the thread."""
        with self._lock:
            is_first = not self._done
            self._done.append((result, outcome))
        if is_first:
            loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        with self._lock:
            done, self._done = self._done, []
        for result, outcome in done:
            error = outcome.exception()
            if result.done():
                continue  # cancelled
            if error is None:
                result.set_result(outcome.result())
            else:
                result.set_exception(error)


def given(pool: Lane | ThreadPoolExecutor, work: Callable[[], T]) -> asyncio.Future[T]:
    """Work that a thread of the pool does."""
    if isinstance(pool, Lane):
        return pool.do(work)
    return asyncio.get_running_loop().run_in_executor(pool, work)
