"""Least recently used leaves first: the baseline, and what suits when recency says it all. Pure."""

from collections import OrderedDict
from typing import Generic

from edge.cache.eviction.policy import K


class Lru(Generic[K]):
    """Keys from the longest unused to the latest used."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity = capacity_bytes
        self.sizes: OrderedDict[K, int] = OrderedDict()
        """For the owner to read."""
        self.used_bytes = 0

    def __len__(self) -> int:
        return len(self.sizes)

    def __contains__(self, key: K) -> bool:
        return key in self.sizes

    def keys(self) -> list[K]:
        return list(self.sizes)

    def size_bytes(self, key: K) -> int:
        return self.sizes[key]

    def admit(self, key: K, size_bytes: int) -> list[K]:
        self.used_bytes -= self.sizes.pop(key, 0)
        if size_bytes > self._capacity:
            return [key]
        self.sizes[key] = size_bytes
        self.used_bytes += size_bytes
        return self._shrink()

    def touch(self, key: K) -> None:
        if key in self.sizes:
            self.sizes.move_to_end(key)

    def remove(self, key: K) -> None:
        self.used_bytes -= self.sizes.pop(key, 0)

    def resize(self, capacity_bytes: int) -> list[K]:
        self._capacity = capacity_bytes
        return self._shrink()

    def _shrink(self) -> list[K]:
        victims: list[K] = []
        while self.used_bytes > self._capacity:
            victim, size = self.sizes.popitem(last=False)
            self.used_bytes -= size
            victims.append(victim)
        return victims
