"""SIEVE: one queue, a bit a key, a hand that passes over what was visited. Reference for the bench.

Zhang et al., "SIEVE is simpler than LRU" (NSDI 2024).
"""


class _Node:
    __slots__ = ("is_visited", "key", "newer", "older", "size_bytes")

    def __init__(self, key: int, size_bytes: int) -> None:
        self.key = key
        self.size_bytes = size_bytes
        self.is_visited = False
        self.newer: _Node | None = None
        self.older: _Node | None = None


class Sieve:
    """Newcomers at the head; the hand walks from the tail towards it and stays where it evicted."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity = capacity_bytes
        self._held: dict[int, _Node] = {}
        self._head: _Node | None = None
        self._tail: _Node | None = None
        self._hand: _Node | None = None
        self.used_bytes = 0

    def __contains__(self, key: int) -> bool:
        return key in self._held

    def touch(self, key: int) -> None:
        self._held[key].is_visited = True

    def admit(self, key: int, size_bytes: int) -> list[int]:
        if size_bytes > self._capacity:
            return [key]
        victims = []
        while self.used_bytes + size_bytes > self._capacity:
            victims.append(self._evict())
        node = self._held[key] = _Node(key, size_bytes)
        node.older = self._head
        if self._head is not None:
            self._head.newer = node
        self._head = node
        self._tail = self._tail or node
        self.used_bytes += size_bytes
        return victims

    def _evict(self) -> int:
        node = self._hand or self._tail
        while node is not None and node.is_visited:
            node.is_visited = False
            node = node.newer or self._tail
        assert node is not None
        self._hand = node.newer
        if node.newer is not None:
            node.newer.older = node.older
        else:
            self._head = node.older
        if node.older is not None:
            node.older.newer = node.newer
        else:
            self._tail = node.newer
        del self._held[node.key]
        self.used_bytes -= node.size_bytes
        return node.key
