"""S3-FIFO and LRU in miniature, side by side over a sample of the keys: which one would miss fewer bytes?

Pure and deterministic. Keys and sizes only, for a fixed sample of the keys and with the capacity scaled
alike: Waldspurger et al., "Cache modeling and optimization using miniature simulations" (ATC 2017). Only
requests that hit in one and miss in the other are evidence; it is weighed by bytes, and older evidence fades.
"""

from typing import Generic
from zlib import crc32

from edge.cache.eviction.lru import Lru
from edge.cache.eviction.policy import K
from edge.cache.eviction.s3fifo import CHANCES, Order, S3Fifo

SHADOW_BYTES = 2 * 1024**3
"""Capacity of a miniature cache when the real one is larger: some thousand segments."""
EVERY = 1 << 32
"""Threshold that takes every key: while the real cache is small, chance would say too much in a sample."""
KEPT = 1 - 1 / 512
"""What is left of the evidence after the next piece."""
KEPT_SQUARED = KEPT * KEPT
DEVIATIONS = 2.0
"""Standard deviations by which evidence must be beyond chance."""
RETURN_SHARE = 0.04
"""Part of the capacity that S3-FIFO must have saved before a cache under LRU goes back to it: what is held
has to pass through the small queue again, and in a large cache that takes longer than many a phase."""
CERTAIN_DEVIATIONS = 12.0
"""Or evidence so clear; there is none stronger than 32 with what is kept of it."""


def digest(key: object) -> int:
    """A number of 32 bits that is the same for a key in every process."""
    return crc32(str(key).encode("utf-8", "surrogateescape"))


class Ghosts(Generic[K]):
    """Two miniature caches that serve the same requests."""

    def __init__(self, capacity_bytes: int) -> None:
        rate = min(1.0, SHADOW_BYTES / max(1, capacity_bytes))
        scaled = int(capacity_bytes * rate)
        self.threshold = int(rate * EVERY)
        """A key whose digest is below it belongs to the sample."""
        self._s3fifo: S3Fifo[K] = S3Fifo(scaled)
        self._lru: Lru[K] = Lru(scaled)
        self._return_bytes = RETURN_SHARE * scaled
        self._for_lru = 0.0
        self._squares = 0.0

    @property
    def better(self) -> Order | None:
        """What misses fewer bytes; None while that may be chance, or is not worth going back for."""
        evidence, squares = self._for_lru, self._squares
        if evidence * evidence < DEVIATIONS * DEVIATIONS * squares:
            return None
        if evidence > 0:
            return Order.LRU
        is_certain = evidence * evidence >= CERTAIN_DEVIATIONS * CERTAIN_DEVIATIONS * squares
        return Order.S3FIFO if is_certain or -evidence >= self._return_bytes else None

    def request(self, key: K, size_bytes: int) -> bool:
        """Serve a request of the sample; True when it told the two apart."""
        s3fifo, lru = self._s3fifo, self._lru
        is_in_lru = key in lru.sizes
        if is_in_lru:
            lru.sizes.move_to_end(key)
        else:
            lru.admit(key, size_bytes)
        state = s3fifo.states.get(key)
        if state is not None:
            if state & CHANCES < CHANCES:  # as its touch does, without the call
                s3fifo.states[key] = state + 1
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
