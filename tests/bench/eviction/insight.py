"""Who knows how popular everything truly is, but not who comes when: a bound for policies without foresight.

A trace's generator tells the popularity; no policy has it, least of all at an object's first request. So what
this one misses, no policy that must learn can be asked to save.
"""

import heapq
from collections.abc import Mapping


class Insight:
    """Least popular leaves first, of equals the longest unused; what comes may be what leaves."""

    def __init__(self, capacity_bytes: int, popularity: Mapping[int, float]) -> None:
        self._capacity = capacity_bytes
        self._popularity = popularity
        self._held: dict[int, tuple[int, int]] = {}  # size, step of the last use
        self._heap: list[tuple[float, int, int]] = []  # popularity, step, key; outdated ones are passed over
        self._step = 0
        self.used_bytes = 0

    def __contains__(self, key: int) -> bool:
        return key in self._held

    def touch(self, key: int) -> None:
        self._note(key, self._held[key][0])

    def admit(self, key: int, size_bytes: int) -> list[int]:
        if size_bytes > self._capacity:
            return [key]
        self.used_bytes += size_bytes
        self._note(key, size_bytes)
        victims = []
        while self.used_bytes > self._capacity:
            _, step, victim = heapq.heappop(self._heap)
            size, now = self._held.get(victim, (0, 0))
            if now == step:
                del self._held[victim]
                self.used_bytes -= size
                victims.append(victim)
        return victims

    def _note(self, key: int, size: int) -> None:
        self._step += 1
        self._held[key] = (size, self._step)
        heapq.heappush(self._heap, (self._popularity[key], self._step, key))
