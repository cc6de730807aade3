"""What is known of the way to the origin: it answers, it is slow, or it is cut.

Pure. While it is not known to answer, stored objects that may stand in do so at once, and one request at a
time tries it behind their back. Any answer closes the circuit again, and proves that a request sent before it
fails for reasons of its own.
"""

from dataclasses import dataclass
from enum import IntEnum

TRY_S = 1.0
"""Between two tries of an origin that does not answer."""
N_IN_VAIN = 2
"""Requests that wait in vain, with no answer to any other between, before it is the origin that is slow."""


class Way(IntEnum):
    """The state of the way to the origin, the worst last."""

    GOOD = 0
    SLOW = 1
    """Viewers have waited for as long as a stale object is held back."""
    CUT = 2
    """It refused a connection, or a deadline passed."""


@dataclass(slots=True)
class Circuit:
    """The state, and when to try again. Times are monotonic seconds."""

    way: Way = Way.GOOD
    n_answers: int = 0
    """Ever. A request remembers it, and reports its own failure with it."""
    _n_in_vain: int = 0
    _next_try_s: float = 0.0

    def answered(self) -> None:
        """The origin gave an answer of any kind."""
        self.way = Way.GOOD
        self.n_answers += 1
        self._n_in_vain = 0

    def waited(self, n_answers: int, now_s: float) -> None:
        """A request waited in vain; an origin that never answered needs no second one."""
        if n_answers != self.n_answers:
            return
        self._n_in_vain += 1
        if self._n_in_vain >= N_IN_VAIN or not n_answers:
            self._worsen(Way.SLOW, now_s)

    def failed(self, n_answers: int, now_s: float) -> None:
        """A request got no answer; what is cut stays so until there is one."""
        if n_answers == self.n_answers:
            self._worsen(Way.CUT, now_s)

    def _worsen(self, way: Way, now_s: float) -> None:
        self.way = max(self.way, way)
        self._next_try_s = now_s + TRY_S

    def takes_try(self, now_s: float) -> bool:
        """Whether a request should try the origin now; the others then wait for the next turn."""
        if now_s < self._next_try_s:
            return False
        self._next_try_s = now_s + TRY_S
        return True
