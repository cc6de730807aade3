"""What is known of the way to the origin: it answers, it is slow, or it is cut.

Pure. While it is not known to answer, stored objects that may stand in do so at once, and one request at a
time tries it behind their back. Any answer closes the circuit again.
"""

from dataclasses import dataclass
from enum import IntEnum

TRY_S = 1.0
"""Between two tries of an origin that does not answer."""


class Way(IntEnum):
    """The state of the way to the origin, the worst last."""

    GOOD = 0
    SLOW = 1
    """A viewer has waited for as long as a stale object is held back."""
    CUT = 2
    """It refused a connection, or a deadline passed."""


@dataclass(slots=True)
class Circuit:
    """The state, and when to try again. Times are monotonic seconds."""

    way: Way = Way.GOOD
    _next_try_s: float = 0.0

    def answered(self) -> None:
        """The origin gave an answer of any kind."""
        self.way = Way.GOOD

    def failed(self, way: Way, now_s: float) -> None:
        """It gave none; what is cut stays so until it answers."""
        self.way = max(self.way, way)
        self._next_try_s = now_s + TRY_S

    def takes_try(self, now_s: float) -> bool:
        """Whether a request should try the origin now; the others then wait for the next turn."""
        if now_s < self._next_try_s:
            return False
        self._next_try_s = now_s + TRY_S
        return True
