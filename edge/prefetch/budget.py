"""Token bucket for the bytes that prefetch may take from the origin; yields to live traffic.

Pure. Live fills spend without asking, so a busy edge has nothing left for prefetch until it calms down;
the debt is bounded by one burst, so prefetch is late but never starved for long.
"""


class TokenBucket:
    """Bytes per second with a burst. Invariant: -burst_bytes <= tokens <= burst_bytes."""

    def __init__(self, rate_bps: float, burst_bytes: float, now: float) -> None:
        """`rate_bps` is in bytes per second."""
        self._rate = rate_bps
        self._burst = burst_bytes
        self._tokens = burst_bytes
        self._filled_s = now

    def take(self, n_bytes: int, now: float) -> float:
        """0 and the bytes are spent, or the seconds to wait before asking again.

        More than a burst is granted when the bucket is full, and leaves a debt.
        """
        self._fill(now)
        needed = min(float(n_bytes), self._burst)
        if self._tokens >= needed:
            self.spend(n_bytes, now)
            return 0.0
        return (needed - self._tokens) / self._rate

    def spend(self, n_bytes: int, now: float) -> None:
        """Live traffic took this much; it does not ask."""
        self._fill(now)
        self._tokens = max(-self._burst, self._tokens - n_bytes)

    def give_back(self, n_bytes: int) -> None:
        """Of what was taken so much was not fetched."""
        self._tokens = min(self._burst, self._tokens + n_bytes)

    def _fill(self, now: float) -> None:
        passed_s = max(0.0, now - self._filled_s)
        self._filled_s = max(self._filled_s, now)
        self._tokens = min(self._burst, self._tokens + passed_s * self._rate)
