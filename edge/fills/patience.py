"""How long an origin may take for the head of an answer before it counts as hanging.

Pure. Twice what all but the slowest of its latest answers took. TCP's retransmission timer (RFC 6298, a
smoothed mean and deviation) was tried in its place: it needs 31 answers to forget one cold start of 50 ms,
this one, and a time of hanging raises it for as many.
"""

from collections import deque

N_ANSWERS = 32
N_PER_SLOWEST = 16
"""One in so many is slow for reasons of its own, and the first one because everything is cold."""
FACTOR = 2


class Patience:
    """Invariant: `low_s` <= `wait_s` <= `high_s`, and `high_s` until there was an answer.

    One request is timed at a time, for those that are under way together hang together. A late answer counts
    only after another late one: then the origin is slower than it was, and did not hang.
    """

    def __init__(self, low_s: float, high_s: float) -> None:
        self._low_s = min(low_s, high_s)
        self._high_s = high_s
        self._took_s: deque[float] = deque(maxlen=N_ANSWERS)
        self._was_late = False
        self._timing_until_s = 0.0
        self.wait_s = high_s

    def times(self, now_s: float) -> bool:
        """Whether a request that is sent now is to be timed: unless another is, and may still be answered."""
        if now_s < self._timing_until_s:
            return False
        self._timing_until_s = now_s + self._high_s
        return True

    def answered(self, took_s: float) -> None:
        """The head of the answer to the timed request came after so long."""
        self._timing_until_s = 0.0
        was_late, self._was_late = self._was_late, took_s > self.wait_s
        if self._was_late and not was_late:
            return
        self._took_s.append(took_s)
        n = len(self._took_s)
        usual_s = sorted(self._took_s)[n - 1 - max(n > 1, n // N_PER_SLOWEST)]
        self.wait_s = min(self._high_s, max(self._low_s, FACTOR * usual_s))
