"""S3-FIFO, another way or as LRU while the ghosts show that doing better; nothing leaves for it.

Pure and deterministic: the same calls give the same victims, in every process.
"""

from collections.abc import Callable, Hashable

from edge.cache.eviction.ghosts import EVERY, Ghosts, digest
from edge.cache.eviction.policy import K
from edge.cache.eviction.s3fifo import CHANCES, MAIN, MARK, S3Fifo
from edge.cache.eviction.siblings import Siblings

BATCH = 256
"""Requests of the sample that the ghosts serve at once: a call for each would cost more than what it does."""


class Adaptive(S3Fifo[K]):
    """One set of queues under one of three orders. A key of the sample carries the mark while it is held."""

    def __init__(self, capacity_bytes: int, video_of: Callable[[K], Hashable] | None = None) -> None:
        siblings = Siblings(video_of, capacity_bytes) if video_of else None
        self._shadows: Ghosts[K] = Ghosts(capacity_bytes, siblings.kept if siblings else None)
        self.order = self._shadows.orders[0]
        """What decides now."""
        super().__init__(capacity_bytes, self.order, siblings)
        self._threshold = self._shadows.threshold
        self._takes_every = self._threshold >= EVERY
        self._asked: list[K] = []
        self._asked_sizes: list[int] = []
        self.n_switches = 0

    def admit(self, key: K, size_bytes: int, mark: int = MARK) -> list[K]:
        if not self._takes_every and digest(key) >= self._threshold:
            return S3Fifo.admit(self, key, size_bytes)
        if key not in self.states:
            self._shadows.really_missed_bytes += size_bytes
        asked = self._asked
        asked.append(key)
        self._asked_sizes.append(size_bytes)
        if len(asked) >= BATCH:
            self._judge()
        return S3Fifo.admit(self, key, size_bytes, mark)

    def touch(self, key: K) -> None:
        state = self.states.get(key)
        if state is None:
            return
        if state & MARK:
            asked = self._asked
            asked.append(key)
            self._asked_sizes.append((self._main if state & MAIN else self._small)[key])
            if len(asked) >= BATCH:
                self._judge()
        if self._is_lru:
            S3Fifo.touch(self, key)
        elif state & CHANCES < CHANCES:
            self.states[key] = state + 1

    def _judge(self) -> None:
        if self._shadows.serve(self._asked, self._asked_sizes):
            better = self._shadows.better(self.order)
            if better is not self.order:
                self.order = better
                self.n_switches += 1
                self.order_by(better)
        self._asked.clear()
        self._asked_sizes.clear()
