"""Orders of eviction in miniature: who would have missed what, in batches of requests.

Pure. The same decisions as `s3fifo.py` and `lru.py`, cheaper by what a cache that nobody serves from can do
without: nothing is removed from the middle, so queues are plain; nobody asks for victims; more than needed is
let go at once; and a batch costs one call.
"""

from collections import OrderedDict, deque
from collections.abc import Container, Sequence
from typing import Generic, Protocol, TypeVar

from edge.cache.eviction.policy import K
from edge.cache.eviction.s3fifo import CHANCES, GHOST_SHARE, MAIN, SMALL_SHARES, Order

SLACK = 1 / 64
"""Part of the capacity that is freed at once."""
SIZE_SHIFT = 3
"""A state is the size, and below it the bits that `s3fifo.py` has."""


Asked_contra = TypeVar("Asked_contra", contravariant=True)


class Miniature(Protocol[Asked_contra]):
    """A cache of keys and sizes alone."""

    missed_bytes: float

    def serve(self, keys: Sequence[Asked_contra], sizes: Sequence[int]) -> set[int]:
        """Places of the requests that missed."""
        ...


class FifoMiniature(Generic[K]):
    """S3-FIFO with its narrow or its wide probation, or with newcomers that siblings have `kept`."""

    def __init__(self, capacity_bytes: int, order: Order, kept: Container[K] = ()) -> None:
        self._kept = kept
        self._capacity = capacity_bytes
        self._slack_bytes = int(capacity_bytes * SLACK)
        self._small_limit = int(capacity_bytes * SMALL_SHARES[order])
        self._ghost_limit = int(capacity_bytes * GHOST_SHARE)
        self._states: dict[K, int] = {}
        self._small: deque[K] = deque()
        self._main: deque[K] = deque()
        self._ghosts: dict[K, int] = {}  # plain: its first are slow to find, but many leave at once
        self._used_bytes = self._small_bytes = self._ghost_bytes = 0
        self.missed_bytes = 0.0

    def serve(self, keys: Sequence[K], sizes: Sequence[int]) -> set[int]:
        states, ghost_of, room_bytes = self._states, self._ghosts.pop, self._capacity - self._used_bytes
        known, enter = states.get, self._small.append
        missed: list[int] = []
        for place, key in enumerate(keys):
            state = known(key)
            if state is not None:
                if state & CHANCES < CHANCES:
                    states[key] = state + 1
                continue
            missed.append(place)
            size_bytes = sizes[place]
            if size_bytes > self._capacity:
                continue
            ghost_bytes = ghost_of(key, 0)
            self._ghost_bytes -= ghost_bytes
            if size_bytes > room_bytes:
                self._used_bytes = self._capacity - room_bytes
                self._shrink(max(0, self._capacity - size_bytes - self._slack_bytes))
                room_bytes = self._capacity - self._used_bytes
            room_bytes -= size_bytes
            if ghost_bytes:
                states[key] = size_bytes << SIZE_SHIFT | MAIN
                self._main.append(key)
            else:
                states[key] = size_bytes << SIZE_SHIFT
                enter(key)
                self._small_bytes += size_bytes
        self._used_bytes = self._capacity - room_bytes
        self.missed_bytes += sum([sizes[place] for place in missed])
        return set(missed)

    def _shrink(self, room_bytes: int) -> None:
        states, small, main, ghosts = self._states, self._small, self._main, self._ghosts
        small_bytes, used_bytes, ghost_bytes = self._small_bytes, self._used_bytes, self._ghost_bytes
        kept, small_limit = self._kept, self._small_limit
        while used_bytes > room_bytes:
            if not main or (small_bytes >= small_limit and small):
                key = small.popleft()
                state = states[key]
                size_bytes = state >> SIZE_SHIFT
                small_bytes -= size_bytes
                if state & CHANCES or key in kept:
                    states[key] = size_bytes << SIZE_SHIFT | MAIN
                    main.append(key)
                    continue
                ghosts[key] = size_bytes
                ghost_bytes += size_bytes
                used_bytes -= size_bytes
            else:
                key = main.popleft()
                state = states[key]
                if state & CHANCES:
                    states[key] = state - 1
                    main.append(key)
                    continue
                used_bytes -= state >> SIZE_SHIFT
            del states[key]
        forgotten = []
        for key, size_bytes in ghosts.items():
            if ghost_bytes <= self._ghost_limit:
                break
            ghost_bytes -= size_bytes
            forgotten.append(key)
        for key in forgotten:
            del ghosts[key]
        self._small_bytes, self._used_bytes, self._ghost_bytes = small_bytes, used_bytes, ghost_bytes


class LruMiniature(Generic[K]):
    """Least recently used leaves first."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity = capacity_bytes
        self._aim = capacity_bytes - int(capacity_bytes * SLACK)
        self._sizes: OrderedDict[K, int] = OrderedDict()
        self._used_bytes = 0
        self.missed_bytes = 0.0

    def serve(self, keys: Sequence[K], sizes: Sequence[int]) -> set[int]:
        held, capacity, used_bytes = self._sizes, self._capacity, self._used_bytes
        use = held.move_to_end
        missed: set[int] = set()
        for place, key in enumerate(keys):
            if key in held:
                use(key)
                continue
            missed.add(place)
            size_bytes = held[key] = sizes[place]
            used_bytes += size_bytes
            if used_bytes > capacity:
                while used_bytes > self._aim and held:
                    used_bytes -= held.popitem(last=False)[1]
        self._used_bytes = used_bytes
        self.missed_bytes += sum(map(sizes.__getitem__, missed))
        return missed
