"""S3-FIFO, with a longer probation or as LRU while the ghosts show that doing better; nothing leaves for it.

Pure and deterministic: the same calls give the same victims, in every process.
"""

from typing import Generic

from edge.cache.eviction.ghosts import EVERY, Ghosts, digest
from edge.cache.eviction.policy import K
from edge.cache.eviction.s3fifo import MARK, Order, S3Fifo


class Adaptive(Generic[K]):
    """One set of queues under one of three orders. A key of the sample carries the mark while it is held."""

    def __init__(self, capacity_bytes: int) -> None:
        self._queues: S3Fifo[K] = S3Fifo(capacity_bytes)
        self._states = self._queues.states
        self._ghosts: Ghosts[K] = Ghosts(capacity_bytes)
        self.order = Order.S3FIFO
        """What decides now."""
        self.n_switches = 0

    @property
    def used_bytes(self) -> int:
        return self._queues.used_bytes

    def __len__(self) -> int:
        return len(self._states)

    def __contains__(self, key: K) -> bool:
        return key in self._states

    def keys(self) -> list[K]:
        return self._queues.keys()

    def size_bytes(self, key: K) -> int:
        return self._queues.size_bytes(key)

    def admit(self, key: K, size_bytes: int) -> list[K]:
        ghosts = self._ghosts
        if ghosts.threshold < EVERY and digest(key) >= ghosts.threshold:
            return self._queues.admit(key, size_bytes)
        if ghosts.request(key, size_bytes, key in self._states):
            self._judge()
        return self._queues.admit(key, size_bytes, MARK)

    def touch(self, key: K) -> None:
        state = self._states.get(key)
        if state is None:
            return
        self._queues.touch(key)
        ghosts = self._ghosts
        if not state & MARK or ghosts.hit(key):
            return
        if ghosts.request(key, self._queues.size_bytes(key), True):
            self._judge()

    def remove(self, key: K) -> None:
        self._queues.remove(key)

    def resize(self, capacity_bytes: int) -> list[K]:
        return self._queues.resize(capacity_bytes)

    def _judge(self) -> None:
        better = self._ghosts.better(self.order)
        if better is not self.order:
            self.order = better
            self.n_switches += 1
            self._queues.order_by(better)
