"""The orders in miniature, side by side over a sample of the keys: which one would miss fewer bytes?

Pure and deterministic. Keys and sizes only, for a fixed sample of the keys and with the capacity scaled
alike: Waldspurger et al., "Cache modeling and optimization using miniature simulations" (ATC 2017).

Two questions, two memories. What is better now? Requests that hit in one and miss in another are evidence,
weighed by bytes, and older evidence fades. Does following that pay? A change of the order costs misses until
the contents fit it, and where phases are short that is more than it gains. So all misses are counted as well,
the real cache's too; while it is behind the best constant order it follows that one.
"""

from collections import OrderedDict
from typing import Generic
from zlib import crc32

from edge.cache.eviction.policy import K
from edge.cache.eviction.s3fifo import CHANCES, Order, S3Fifo

SHADOW_BYTES = 2 * 1024**3
"""Capacity of a miniature cache when the real one is larger: some thousand segments."""
EVERY = 1 << 32
"""Threshold that takes every key: while the real cache is small, chance would say too much in a sample."""
SLACK = 1 / 64
"""Part of a miniature's capacity that is freed at once."""
ORDERS = (Order.S3FIFO, Order.WIDE, Order.LRU)
"""Bit n of what a request missed, and place n of every list here, belong to the n-th."""
ALL_MISSED = 0b111
FADING = 1 + 1 / 512
"""Each piece of evidence weighs so much more than the one before."""
HEAVY = 1e60
"""Weight at which everything is scaled down."""
ASKED_EVERY = 8
"""Pieces of evidence between two looks at it."""
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
    """Miniature caches that serve the same requests as the real one."""

    def __init__(self, capacity_bytes: int) -> None:
        rate = min(1.0, SHADOW_BYTES / max(1, capacity_bytes))
        scaled = int(capacity_bytes * rate)
        self.threshold = int(rate * EVERY)
        """A key whose digest is below it belongs to the sample."""
        self._slack_bytes = int(scaled * SLACK)
        self._narrow: S3Fifo[K] = S3Fifo(scaled, Order.S3FIFO, self._slack_bytes)
        self._wide: S3Fifo[K] = S3Fifo(scaled, Order.WIDE, self._slack_bytes)
        self._recent: OrderedDict[K, int] = OrderedDict()
        self._recent_bytes = 0
        self._capacity = scaled
        self._lately = [0.0, 0.0, 0.0]
        self._squares = 0.0
        self._weight = 1.0
        self._missed = [0.0, 0.0, 0.0]
        self._really_missed = 0.0
        self._n_changes = 0.0
        self._n_told = 0
        self._limit = float(HALVED_AFTER * max(1, scaled))

    def hit(self, key: K) -> bool:
        """Serve what all of them hold, whatever its size; False, and nothing done, if one does not."""
        narrow, wide, recent = self._narrow.states, self._wide.states, self._recent
        if not (key in recent and key in narrow and key in wide):
            return False
        recent.move_to_end(key)
        state = narrow[key]
        if state & CHANCES < CHANCES:
            narrow[key] = state + 1
        state = wide[key]
        if state & CHANCES < CHANCES:
            wide[key] = state + 1
        return True

    def request(self, key: K, size_bytes: int, is_held: bool) -> bool:
        """Serve a request of the sample; True when it is time to ask what is better."""
        missed = self._serve(key, size_bytes)
        if not is_held:
            self._really_missed += size_bytes
        if not missed:
            return False
        totals = self._missed
        if missed == ALL_MISSED:
            totals[0] += size_bytes
            totals[1] += size_bytes
            totals[2] += size_bytes
            return False
        self._weight *= FADING
        weighed = size_bytes * self._weight
        lately = self._lately
        if missed & 1:
            lately[0] += weighed
            totals[0] += size_bytes
        if missed & 2:
            lately[1] += weighed
            totals[1] += size_bytes
        if missed & 4:
            lately[2] += weighed
            totals[2] += size_bytes
        self._squares += weighed * weighed
        self._n_told += 1
        return not self._n_told % ASKED_EVERY

    def better(self, current: Order) -> Order:
        """What should decide now, when `current` does."""
        if self._weight > HEAVY or self._missed[0] > self._limit:
            self._forget()
        place, missed, lately = ORDERS.index(current), self._missed, self._lately
        least = min(missed)
        if self._really_missed > least * (1 + REGRET):
            lead = LEAD + LEAD_PER_CHANGE * self._n_changes
            best = missed.index(least) if missed[place] > least * (1 + lead) else place
        else:
            evidence = lately[place] - min(lately)
            is_clear = evidence * evidence > DEVIATIONS_SQUARED * self._squares
            best = lately.index(min(lately)) if is_clear else place
        self._n_changes += best != place
        return ORDERS[best]

    def _serve(self, key: K, size_bytes: int) -> int:
        """Which orders missed, as bits. Hits are as a touch does them, without the call."""
        missed = 0
        narrow, wide, recent = self._narrow, self._wide, self._recent
        state = narrow.states.get(key)
        if state is None:
            narrow.admit(key, size_bytes)
            missed = 1
        elif state & CHANCES < CHANCES:
            narrow.states[key] = state + 1
        state = wide.states.get(key)
        if state is None:
            wide.admit(key, size_bytes)
            missed |= 2
        elif state & CHANCES < CHANCES:
            wide.states[key] = state + 1
        if key in recent:
            recent.move_to_end(key)
            return missed
        recent[key] = size_bytes
        self._recent_bytes += size_bytes
        if self._recent_bytes > self._capacity:
            aim = self._capacity - self._slack_bytes
            held_bytes = self._recent_bytes
            while held_bytes > aim and recent:
                held_bytes -= recent.popitem(last=False)[1]
            self._recent_bytes = held_bytes
        return missed | 4

    def _forget(self) -> None:
        scale = self._weight
        self._lately = [weighed / scale for weighed in self._lately]
        self._squares /= scale * scale
        self._weight = 1.0
        if self._missed[0] > self._limit:
            self._missed = [missed / 2 for missed in self._missed]
            self._really_missed /= 2
            self._n_changes /= 2
