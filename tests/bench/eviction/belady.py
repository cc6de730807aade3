"""Belady: who knows the future evicts what is needed last. A bound to compare with, not a policy.

With equal sizes it is the optimum (Belady 1966). With unequal sizes the optimum is NP-hard; farthest first is
then a good bound for byte misses, and farthest times largest (sampled, as libCacheSim's BeladySize does) one
for object misses. What is never asked for again is not kept.
"""

import heapq
import random
from collections.abc import Sequence

NEVER = 1 << 60
N_SAMPLED = 32


def next_uses(trace: Sequence[tuple[int, int]]) -> list[int]:
    """For each request the place of the next one for its key, or NEVER."""
    following: dict[int, int] = {}
    uses = [NEVER] * len(trace)
    for place in range(len(trace) - 1, -1, -1):
        key = trace[place][0]
        uses[place] = following.get(key, NEVER)
        following[key] = place
    return uses


class Belady:
    """Farthest next use first. Requests must come in the trace's order, each told once."""

    def __init__(self, capacity_bytes: int, uses: Sequence[int]) -> None:
        self._capacity = capacity_bytes
        self._uses = uses
        self._place = -1
        self._held: dict[int, tuple[int, int]] = {}  # size, next use
        self._heap: list[tuple[int, int]] = []
        self.used_bytes = 0

    def __contains__(self, key: int) -> bool:
        return key in self._held

    def touch(self, key: int) -> None:
        self._place += 1
        size, _ = self._held.pop(key)
        self.used_bytes -= size
        self._keep(key, size)

    def admit(self, key: int, size_bytes: int) -> list[int]:
        self._place += 1
        if size_bytes > self._capacity:
            return [key]
        self._keep(key, size_bytes)
        victims = []
        while self.used_bytes > self._capacity:
            use, victim = heapq.heappop(self._heap)
            size, current = self._held.get(victim, (0, 0))
            if current == -use:
                del self._held[victim]
                self.used_bytes -= size
                victims.append(victim)
        return victims

    def _keep(self, key: int, size: int) -> None:
        use = self._uses[self._place]
        if use != NEVER:
            self._held[key] = (size, use)
            self.used_bytes += size
            heapq.heappush(self._heap, (-use, key))


class BeladySize:
    """Of some keys drawn by chance, the one with the largest size times time to its next use."""

    def __init__(self, capacity_bytes: int, uses: Sequence[int], seed: int = 1) -> None:
        self._capacity = capacity_bytes
        self._uses = uses
        self._place = -1
        self._rng = random.Random(seed)
        self._keys: list[int] = []
        self._held: dict[int, list[int]] = {}  # place in keys, size, next use
        self.used_bytes = 0

    def __contains__(self, key: int) -> bool:
        return key in self._held

    def touch(self, key: int) -> None:
        self._place += 1
        use = self._uses[self._place]
        if use == NEVER:
            self._drop(key)
        else:
            self._held[key][2] = use

    def admit(self, key: int, size_bytes: int) -> list[int]:
        self._place += 1
        use = self._uses[self._place]
        if size_bytes > self._capacity or use == NEVER:
            return [key]
        self._held[key] = [len(self._keys), size_bytes, use]
        self._keys.append(key)
        self.used_bytes += size_bytes
        victims = []
        while self.used_bytes > self._capacity:
            drawn = self._rng.choices(self._keys, k=N_SAMPLED)
            victims.append(max(drawn, key=self._cost))
            self._drop(victims[-1])
        return victims

    def _cost(self, key: int) -> int:
        _, size, use = self._held[key]
        return size * (use - self._place)

    def _drop(self, key: int) -> None:
        place, size, _ = self._held.pop(key)
        last = self._keys.pop()
        if last != key:
            self._keys[place] = last
            self._held[last][0] = place
        self.used_bytes -= size
