"""The only place that reads a clock; cores take `now` as an argument.

`monotonic` orders and measures inside one process; `wall_ms` goes on the wire.
"""

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Two readings of time."""

    def monotonic(self) -> float:
        """Seconds that never go back; comparable inside this process only."""
        ...

    def wall_ms(self) -> int:
        """Unix time in milliseconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000


def wall_ns(clock: Clock) -> Callable[[], int]:
    """Unix time in nanoseconds by this clock, for who asks a hundred thousand times a second."""
    return time.time_ns if isinstance(clock, SystemClock) else lambda: clock.wall_ms() * 1_000_000
