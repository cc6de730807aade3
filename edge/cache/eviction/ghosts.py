"""The orders in miniature, side by side over a sample of the keys: which one would miss fewer bytes?

Pure and deterministic. Keys and sizes only, for a fixed sample of the keys and with the capacity scaled
alike: Waldspurger et al., "Cache modeling and optimization using miniature simulations" (ATC 2017).

Two questions, two memories. What is better now? Requests that hit in one and miss in another are evidence,
weighed by bytes, and older evidence fades. Does following that pay? A change of the order costs misses until
the contents fit it, and where phases are short that is more than it gains. So all misses are counted as well,
the real cache's too; while it is behind the best constant order it follows that one.
"""

from collections.abc import Container, Sequence
from typing import Generic
from zlib import crc32

from edge.cache.eviction.miniature import FifoMiniature, LruMiniature, Miniature
from edge.cache.eviction.policy import K
from edge.cache.eviction.s3fifo import Order

SHADOW_BYTES = 2 * 1024**3
"""Capacity of a miniature cache when the real one is larger: some thousand segments."""
EVERY = 1 << 32
"""Threshold that takes every key: while the real cache is small, chance would say too much in a sample.
With half of the keys changes come later: where recency and popularity take turns up to 1.3 % are lost."""
ORDERS = (Order.S3FIFO, Order.WIDE, Order.LRU)
ORDERS_OF_SIBLINGS = (Order.SIBLINGS, Order.S3FIFO, Order.LRU)
"""Where it is known which keys belong together, which then helps more than a longer probation."""
FADING = 1 + 1 / 512
"""Each piece of evidence weighs so much more than the one before."""
HEAVY = 1e60
"""Weight at which everything is scaled down."""
DEVIATIONS_SQUARED = 4.0
"""Two standard deviations: by so much evidence must be beyond chance."""
REGRET = 0.004
"""Misses that changes of the order may have cost, relative to those of the best constant order."""
LEAD = 0.002
"""By so much the best constant order must lead before a cache that is behind goes over to it, and by half
as much more for each change so far: in a loop all orders take turns and none is worth a change."""
LEAD_PER_CHANGE = LEAD / 2
HALVED_AFTER = 512
"""Misses of so many capacities, and the counts are halved: what was best last month does not decide."""


def digest(key: object) -> int:
    """A number of 32 bits that is the same for a key in every process."""
    return crc32(str(key).encode("utf-8", "surrogateescape"))


class Ghosts(Generic[K]):
    """Miniature caches that serve the same requests as the real one.

    Place n of every list belongs to the n-th of `orders`. The real cache tells what siblings have kept.
    """

    def __init__(self, capacity_bytes: int, kept: Container[K] | None = None) -> None:
        rate = min(1.0, SHADOW_BYTES / max(1, capacity_bytes))
        scaled = int(capacity_bytes * rate)
        self.threshold = int(rate * EVERY)
        """A key whose digest is below it belongs to the sample."""
        self.orders = ORDERS if kept is None else ORDERS_OF_SIBLINGS
        first, second, _ = self.orders
        self._miniatures: list[Miniature[K]] = [
            FifoMiniature(scaled, first, () if kept is None else kept),
            FifoMiniature(scaled, second),
            LruMiniature(scaled),
        ]
        self._lately = [0.0, 0.0, 0.0]
        self._squares = 0.0
        self._weight = 1.0
        self.really_missed_bytes = 0.0
        """By the real cache, of the sample; for its owner to count."""
        self._n_changes = 0.0
        self._limit = float(HALVED_AFTER * max(1, scaled))

    def serve(self, keys: Sequence[K], sizes: Sequence[int]) -> bool:
        """Serve requests of the sample; True when there is new evidence."""
        first, second, recent = [miniature.serve(keys, sizes) for miniature in self._miniatures]
        told = (first ^ second) | (first ^ recent)
        weight, squares, (by_first, by_second, by_recent) = self._weight, self._squares, self._lately
        for place in sorted(told):
            weight *= FADING
            weighed = sizes[place] * weight
            squares += weighed * weighed
            if place in first:
                by_first += weighed
            if place in second:
                by_second += weighed
            if place in recent:
                by_recent += weighed
        self._weight, self._squares, self._lately = weight, squares, [by_first, by_second, by_recent]
        return bool(told)

    def better(self, current: Order) -> Order:
        """What should decide now, when `current` does."""
        missed = [miniature.missed_bytes for miniature in self._miniatures]
        if self._weight > HEAVY or missed[0] > self._limit:
            self._forget()
        place, lately = self.orders.index(current), self._lately
        least = min(missed)
        if self.really_missed_bytes > least * (1 + REGRET):
            lead = LEAD + LEAD_PER_CHANGE * self._n_changes
            best = missed.index(least) if missed[place] > least * (1 + lead) else place
        else:
            evidence = lately[place] - min(lately)
            is_clear = evidence * evidence > DEVIATIONS_SQUARED * self._squares
            best = lately.index(min(lately)) if is_clear else place
        self._n_changes += best != place
        return self.orders[best]

    def _forget(self) -> None:
        scale = self._weight
        self._lately = [weighed / scale for weighed in self._lately]
        self._squares /= scale * scale
        self._weight = 1.0
        if self._miniatures[0].missed_bytes > self._limit:
            for miniature in self._miniatures:
                miniature.missed_bytes /= 2
            self.really_missed_bytes /= 2
            self._n_changes /= 2
