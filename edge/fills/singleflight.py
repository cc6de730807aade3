"""One fill per key: who asks while one is under way joins it.

The fill is its own, a task or the connection to the origin, so no reader's cancel ends what others read. It
ends early only when nobody reads it, and its bytes are not being kept or its owner drops it. A fill that
fails errors every reader after the bytes that did arrive; one whose task dies is begun again by another
leader, which goes on where it stopped when it can.

The order in which a fill ends, and why:
1. the object is stored (by the fill), 2. the flight leaves the table, 3. readers see the end. A request
between 1 and 2 joins a complete flight, one after 2 finds the object: never a second request to the origin.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from edge.fills.flight import Abandoned, Flight
from edge.fills.reader import FillFailed, Reader
from shared.errors import ServiceError

log = logging.getLogger(__name__)
H = TypeVar("H")

N_LEADERS = 3
"""Tasks that may try one fill, the first included."""

Fill = Callable[[Flight[H]], Awaitable[None]]


class Led(Protocol):
    """What fills a flight without a task."""

    def stop(self) -> None:
        """Bring nothing more, and tell nobody."""


Begin = Callable[[Flight[H]], Led | None]


class Flights(Generic[H]):
    """The fills under way, by key. A key has at most one that can be joined; a fill may have no key."""

    def __init__(self) -> None:
        self._by_key: dict[str, Flight[H]] = {}
        self._tasks: dict[asyncio.Task[None], Flight[H]] = {}
        self._led: dict[Flight[H], Led] = {}
        """Without a task."""
        self._is_closing = False

    def __len__(self) -> int:
        return len(self._tasks) + len(self._led)

    def join(self, key: str | None, fill: Fill[H], begin: Begin[H] | None = None) -> Reader[H]:
        """A reader of the fill of key, which is started when there is none. None: a fill of one's own.

        `fill` may be called again for the same flight when its task dies: N_LEADERS times in all. `begin`
        may do without a task; the flight is then the caller's to `lead` or `land`.
        """
        flight = self._by_key.get(key) if key is not None else None
        return (flight or self._start(key, fill, begin)).reader(is_leader=flight is None)

    def lead(self, flight: Flight[H], fill: Fill[H]) -> None:
        """A task goes on with a flight that had none."""
        if self._led.pop(flight, None) is not None:
            self._lead(flight, fill, N_LEADERS - 1)

    def land(self, flight: Flight[H]) -> None:
        """The end of a flight without a task: complete."""
        self._led.pop(flight, None)
        flight.finish()

    def drop(self, flight: Flight[H]) -> None:
        """End a flight that nobody reads; whoever asks from now on begins another."""
        led = self._led.pop(flight, None)
        flight.finish(Abandoned("nobody reads"))  # before its task ends: no other is to take its place
        if led is not None:
            led.stop()
        for task, one in self._tasks.items():
            if one is flight:
                task.cancel()

    def under_way(self, key: str) -> Flight[H] | None:
        """The fill of key that could be joined now."""
        return self._by_key.get(key)

    def part(self, may_go_on: Callable[[str, H | None], bool]) -> None:
        """Let nobody else join a fill whose key and head fail `may_go_on`; its readers read on."""
        for key, flight in list(self._by_key.items()):
            if not may_go_on(key, flight.head):
                del self._by_key[key]

    @property
    def n_readers(self) -> int:
        """Readers of all fills."""
        return sum(flight.n_readers for flight in self._all())

    @property
    def n_buffered_bytes(self) -> int:
        """Bytes held by all fills."""
        return sum(flight.n_buffered_bytes for flight in self._all())

    def _all(self) -> list[Flight[H]]:
        return [*self._tasks.values(), *self._led]

    async def close(self) -> None:
        """Cancel what is under way; its readers get FillFailed."""
        self._is_closing = True
        led, self._led = self._led, {}
        for flight, leader in led.items():
            leader.stop()
            flight.finish(FillFailed("the fill was ended"))
        for task in list(self._tasks):
            task.cancel()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _start(self, key: str | None, fill: Fill[H], begin: Begin[H] | None) -> Flight[H]:
        def unlist() -> None:
            if key is not None and self._by_key.get(key) is flight:
                del self._by_key[key]

        flight: Flight[H] = Flight(unlist)
        if key is not None:
            self._by_key[key] = flight
        led = None if begin is None or self._is_closing else begin(flight)
        if led is None:
            self._lead(flight, fill, N_LEADERS - 1)
        else:
            self._led[flight] = led
        return flight

    def _lead(self, flight: Flight[H], fill: Fill[H], n_left: int) -> None:
        """Run the fill in a task; when that dies, another takes its place."""

        def ended(task: "asyncio.Task[None]") -> None:
            del self._tasks[task]
            error = None if task.cancelled() else task.exception()
            if error is not None:
                log.error("fill_crashed", extra={"code": FillFailed.code}, exc_info=error)
            if flight.is_done:
                return
            if n_left and not self._is_closing:
                self._lead(flight, fill, n_left - 1)
            else:
                flight.finish(FillFailed("the fill was ended"))

        task = asyncio.create_task(self._run(flight, fill))
        self._tasks[task] = flight
        task.add_done_callback(ended)

    async def _run(self, flight: Flight[H], fill: Fill[H]) -> None:
        try:
            await fill(flight)
        except ServiceError as exc:
            flight.finish(exc)
