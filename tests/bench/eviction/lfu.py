"""Least frequently used leaves first, of equals the longest unused. Reference for the bench."""

import heapq


class Lfu:
    """Counts since admission; an evicted key starts anew."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity = capacity_bytes
        self._held: dict[int, tuple[int, int, int]] = {}  # size, count, step of the last use
        self._heap: list[tuple[int, int, int]] = []  # count, step, key; outdated ones are passed over
        self._step = 0
        self.used_bytes = 0

    def __contains__(self, key: int) -> bool:
        return key in self._held

    def touch(self, key: int) -> None:
        size, count, _ = self._held[key]
        self._note(key, size, count + 1)

    def admit(self, key: int, size_bytes: int) -> list[int]:
        if size_bytes > self._capacity:
            return [key]
        victims = []
        while self.used_bytes + size_bytes > self._capacity:
            count, step, victim = heapq.heappop(self._heap)
            size, *now = self._held.get(victim, (0, 0, 0))
            if now == [count, step]:
                del self._held[victim]
                self.used_bytes -= size
                victims.append(victim)
        self.used_bytes += size_bytes
        self._note(key, size_bytes, 1)
        return victims

    def _note(self, key: int, size: int, count: int) -> None:
        self._step += 1
        self._held[key] = (size, count, self._step)
        heapq.heappush(self._heap, (count, self._step, key))
