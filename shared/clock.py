"""The only place that reads a clock; cores take `now` as an argument.

`monotonic` orders and measures inside one process; `wall_ms` goes on the wire.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

CallLater = Callable[..., object]
"""`(delay_s, function, *arguments)`."""


class Clock(Protocol):
    """Two readings of time."""

    def monotonic(self) -> float:
        """Seconds that never go back; comparable inside this process only."""
        ...

    def wall_ms(self) -> int:
        """Unix time in milliseconds."""
        ...


@runtime_checkable
class WithTimers(Protocol):
    """A clock that calls back."""

    def call_later(self, delay_s: float, function: Callable[..., object], *arguments: Any) -> object:
        """Call the function when so much time has passed."""
        ...


class SystemClock:
    """The machine's clock."""

    def call_later(self, delay_s: float, function: Callable[..., object], *arguments: Any) -> object:
        return asyncio.get_running_loop().call_later(delay_s, function, *arguments)

    def monotonic(self) -> float:
        return time.monotonic()

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000


def wall_ns(clock: Clock) -> Callable[[], int]:
    """Unix time in nanoseconds by this clock, for who asks a hundred thousand times a second."""
    return time.time_ns if isinstance(clock, SystemClock) else lambda: clock.wall_ms() * 1_000_000


def call_later(clock: Clock) -> CallLater | None:
    """How to be called back by this clock; None: it has no timers."""
    return clock.call_later if isinstance(clock, WithTimers) else None
