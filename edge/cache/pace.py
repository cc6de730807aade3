"""How fast the scrub may read: the whole tier in a set time, and never over a bound.

Pure. Time adds credit, every byte that is verified takes it; an object larger than the credit may be begun,
and is paid off before the next one.
"""

MAX_CREDIT_S = 2.0
"""No more is saved up while requests kept the scrub waiting."""


class Pace:
    """Invariant: in any stretch of time at most its bytes at the rate, the saved-up credit and one object."""

    def __init__(self, whole_s: float, limit_bps: float) -> None:
        self._whole_s = whole_s
        self._limit_bps = limit_bps
        self._credit_bytes = 0.0

    def rate_bps(self, used_bytes: int) -> float:
        """Bytes a second that verify `used_bytes` in the set time, within the bound."""
        return min(self._limit_bps, used_bytes / self._whole_s) if self._whole_s > 0 else 0.0

    def advance(self, passed_s: float, used_bytes: int) -> None:
        """Time passed."""
        rate = self.rate_bps(used_bytes)
        self._credit_bytes = min(self._credit_bytes + rate * passed_s, rate * MAX_CREDIT_S)

    def may_go(self) -> bool:
        """Whether another object may be read."""
        return self._credit_bytes > 0

    def spend(self, n_bytes: int) -> None:
        """So much was read."""
        self._credit_bytes -= n_bytes
