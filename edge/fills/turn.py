"""What one turn of the event loop is to do, kind by kind instead of connection by connection.

A body of 256 KiB that is copied in and out pushes most of the interpreter's working set out of the
processor's caches; the next few microseconds of Python then take several times as long. So while the loop
reads, what follows is only noted, and done afterwards, all of one kind in a row. Alone, a call waits for no
more than the rest of the poll.
"""

import asyncio
from collections import deque
from collections.abc import Callable

ASK, PASS_ON, WRITE, COPY, END = range(5)
"""In this order: the origin works while we do; nobody's bytes wait for another's book-keeping."""


class Turn:
    """Calls to be made when the loop has polled. One event loop owns it."""

    def __init__(self) -> None:
        self._stages: tuple[deque[Callable[[], None]], ...] = tuple(deque() for _ in range(END + 1))
        self._is_due = False

    def add(self, stage: int, call: Callable[[], None]) -> None:
        """Make a call in this turn; it must not wait. One that raises ends up with the loop, alone."""
        self._stages[stage].append(call)
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._run)

    def _run(self) -> None:
        try:
            for calls in self._stages:
                while calls:
                    calls.popleft()()
        finally:
            self._is_due = any(self._stages)  # one has raised, or added to a stage before its own
            if self._is_due:
                asyncio.get_running_loop().call_soon(self._run)
