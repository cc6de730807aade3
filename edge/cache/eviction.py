"""Who leaves when a tier is full: S3-FIFO, and LRU as the baseline.

Pure. A policy only orders keys and counts bytes; the caller deletes the victims that `admit` returns. All
steps are O(1) amortised. S3-FIFO after Yang et al., "FIFO queues are all you need for cache eviction"
(SOSP 2023), with promotion at the first re-reference: short-video objects are read once or often.
"""

from collections import OrderedDict
from typing import Generic, Protocol, TypeVar

K = TypeVar("K")

SMALL_SHARE = 0.1
"""Part of the bytes that newcomers may hold on probation."""
MAX_FREQUENCY = 3
"""Second chances that an object can save up."""


class Eviction(Protocol[K]):
    """An order of eviction over keys with sizes. After `admit` the held bytes are within capacity."""

    @property
    def used_bytes(self) -> int: ...

    def __len__(self) -> int: ...

    def __contains__(self, key: K) -> bool: ...

    def keys(self) -> list[K]:
        """Every tracked key."""
        ...

    def admit(self, key: K, size_bytes: int) -> list[K]:
        """Track key and return the keys to delete, first victim first.

        A key that is larger than the capacity is its own victim. A tracked key takes the new size.
        """
        ...

    def touch(self, key: K) -> None:
        """Note a hit; an unknown key is ignored."""
        ...

    def remove(self, key: K) -> None:
        """Forget a key that was deleted for another reason; an unknown key is ignored."""
        ...


class Lru(Generic[K]):
    """Least recently used leaves first."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity = capacity_bytes
        self._sizes: OrderedDict[K, int] = OrderedDict()
        self.used_bytes = 0

    def __len__(self) -> int:
        return len(self._sizes)

    def __contains__(self, key: K) -> bool:
        return key in self._sizes

    def keys(self) -> list[K]:
        return list(self._sizes)

    def admit(self, key: K, size_bytes: int) -> list[K]:
        self.remove(key)
        if size_bytes > self._capacity:
            return [key]
        self._sizes[key] = size_bytes
        self.used_bytes += size_bytes
        victims: list[K] = []
        while self.used_bytes > self._capacity:
            victim, size = self._sizes.popitem(last=False)
            self.used_bytes -= size
            victims.append(victim)
        return victims

    def touch(self, key: K) -> None:
        if key in self._sizes:
            self._sizes.move_to_end(key)

    def remove(self, key: K) -> None:
        self.used_bytes -= self._sizes.pop(key, 0)


class _Node:
    """Size and saved-up chances of one key."""

    __slots__ = ("frequency", "size_bytes")

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.frequency = 0


class S3Fifo(Generic[K]):
    """Newcomers in a small queue, re-referenced keys in the main one, evicted newcomers remembered as ghosts.

    A key is in exactly one of small and main; a ghost is in neither. There are at most as many ghosts as
    main holds keys (at least `MIN_GHOSTS`).
    """

    MIN_GHOSTS = 64

    def __init__(self, capacity_bytes: int, small_share: float = SMALL_SHARE) -> None:
        self._capacity = capacity_bytes
        self._small_capacity = int(capacity_bytes * small_share)
        self._small: OrderedDict[K, _Node] = OrderedDict()
        self._main: OrderedDict[K, _Node] = OrderedDict()
        self._ghosts: OrderedDict[K, None] = OrderedDict()
        self._small_bytes = 0
        self._main_bytes = 0

    @property
    def used_bytes(self) -> int:
        return self._small_bytes + self._main_bytes

    def __len__(self) -> int:
        return len(self._small) + len(self._main)

    def __contains__(self, key: K) -> bool:
        return key in self._small or key in self._main

    def keys(self) -> list[K]:
        return [*self._small, *self._main]

    def admit(self, key: K, size_bytes: int) -> list[K]:
        former = self._take(key)
        if size_bytes > self._capacity:
            return [key]
        node, is_main = former or (_Node(size_bytes), key in self._ghosts)
        node.size_bytes = size_bytes
        victims: list[K] = []
        while self.used_bytes + size_bytes > self._capacity:
            self._evict(victims)
        # Evict before the ghost is forgotten and before the key is queued: it is never its own victim.
        self._ghosts.pop(key, None)
        if is_main:
            self._push_main(key, node)
        else:
            self._small[key] = node
            self._small_bytes += size_bytes
        return victims

    def touch(self, key: K) -> None:
        node = self._small.get(key) or self._main.get(key)
        if node is not None and node.frequency < MAX_FREQUENCY:
            node.frequency += 1

    def remove(self, key: K) -> None:
        self._take(key)
        self._ghosts.pop(key, None)

    def _take(self, key: K) -> tuple[_Node, bool] | None:
        node = self._small.pop(key, None)
        if node is not None:
            self._small_bytes -= node.size_bytes
            return node, False
        node = self._main.pop(key, None)
        if node is not None:
            self._main_bytes -= node.size_bytes
            return node, True
        return None

    def _push_main(self, key: K, node: _Node) -> None:
        self._main[key] = node
        self._main_bytes += node.size_bytes

    def _evict(self, victims: list[K]) -> None:
        """One step: a key moves on, gets another round, or leaves."""
        if self._small and (self._small_bytes >= self._small_capacity or not self._main):
            key, node = self._small.popitem(last=False)
            self._small_bytes -= node.size_bytes
            if node.frequency > 0:
                node.frequency = 0
                self._push_main(key, node)
                return
            self._remember(key)
        else:
            key, node = self._main.popitem(last=False)
            self._main_bytes -= node.size_bytes
            if node.frequency > 0:
                node.frequency -= 1
                self._push_main(key, node)
                return
        victims.append(key)

    def _remember(self, key: K) -> None:
        self._ghosts[key] = None
        while len(self._ghosts) > max(self.MIN_GHOSTS, len(self._main)):
            self._ghosts.popitem(last=False)
