"""S3-FIFO and LRU in miniature, side by side over a sample of the keys: which one would miss fewer bytes?

Pure and deterministic. Keys and sizes only, for a fixed sample of the keys and with the capacity scaled
alike: Waldspurger et al., "Cache modeling and optimization using miniature simulations" (ATC 2017). Only
requests that hit in one and miss in the other are evidence; it is weighed by bytes, and older evidence fades.
"""

from typing import Generic
from zlib import crc32

from edge.cache.eviction.lru import Lru
from edge.cache.eviction.policy import K
from edge.cache.eviction.s3fifo import Order, S3Fifo

SHADOW_BYTES = 512 * 1024**2
"""Capacity of a miniature cache when the real one is large: some thousand segments."""
MAX_RATE = 0.5
"""Part of the keys that is sampled when the real one is small."""
KEPT = 1 - 1 / 512
"""What is left of the evidence after the next piece."""
KEPT_SQUARED = KEPT * KEPT
DEVIATIONS = 2.0
"""Standard deviations by which evidence must be beyond chance."""


def digest(key: object) -> int:
    """A number of 32 bits that is the same for a key in every process."""
    return crc32(str(key).encode("utf-8", "surrogateescape"))


class Ghosts(Generic[K]):
    """Two miniature caches that serve the same requests."""

    def __init__(self, capacity_bytes: int) -> None:
        rate = min(MAX_RATE, SHADOW_BYTES / max(1, capacity_bytes))
        scaled = int(capacity_bytes * rate)
        self.threshold = int(rate * 2**32)
        """A key whose digest is below it belongs to the sample."""
        self._s3fifo: S3Fifo[K] = S3Fifo(scaled)
        self._lru: Lru[K] = Lru(scaled)
        self._for_lru = 0.0
        self._squares = 0.0

    @property
    def better(self) -> Order | None:
        """What misses fewer bytes; None while that may be chance."""
        if self._for_lru * self._for_lru < DEVIATIONS * DEVIATIONS * self._squares:
            return None
        return Order.LRU if self._for_lru > 0 else Order.S3FIFO

    def request(self, key: K, size_bytes: int) -> bool:
        """Serve a request of the sample; True when it told the two apart."""
        s3fifo, lru = self._s3fifo, self._lru
        is_in_lru = key in lru.sizes
        if is_in_lru:
            lru.touch(key)
        else:
            lru.admit(key, size_bytes)
        if key in s3fifo.states:
            s3fifo.touch(key)
            if is_in_lru:
                return False
            self._for_lru = self._for_lru * KEPT - size_bytes
        else:
            s3fifo.admit(key, size_bytes)
            if not is_in_lru:
                return False
            self._for_lru = self._for_lru * KEPT + size_bytes
        self._squares = self._squares * KEPT_SQUARED + size_bytes * size_bytes
        return True
