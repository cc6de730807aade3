"""Orders of eviction in miniature: who would have missed what, in batches of requests.

Pure. The same decisions as `s3fifo.py` and `lru.py`, cheaper by what a cache that nobody serves from can do
without: nothing is removed from the middle, so queues are plain; nobody asks for victims; more than needed is
let go at once; and a batch costs one call.
"""

from collections import OrderedDict, deque
from collections.abc import Container, Sequence
from typing import Generic, Protocol, TypeVar

from edge.cache.eviction.policy import K
from edge.cache.eviction.s3fifo import CHANCES, GHOST_SHARE, SMALL_SHARES, Order

SLACK = 1 / 64
"""Part of the capacity that is freed at once."""


Asked_contra = TypeVar("Asked_contra", contravariant=True)


class Miniature(Protocol[Asked_contra]):
    """A cache of keys and sizes alone."""

    missed_bytes: float

    def serve(self, keys: Sequence[Asked_contra], sizes: Sequence[int]) -> set[int]:
        """Places of the requests that missed."""
        ...


class FifoMiniature(Generic[K]):
    """S3-FIFO with its narrow or its wide probation, or with newcomers that siblings have `kept`.

    A state is the chances alone, a queue its keys and beside them their sizes: a request makes no new object.
    """

    def __init__(self, capacity_bytes: int, order: Order, kept: Container[K] = ()) -> None:
        self._kept = kept
        self._capacity = self._room_bytes = capacity_bytes
        self._slack_bytes = int(capacity_bytes * SLACK)
        self._small_limit = int(capacity_bytes * SMALL_SHARES[order])
        self._states: dict[K, int] = {}
        self._small: deque[K] = deque()
        self._small_sizes: deque[int] = deque()
        self._main: deque[K] = deque()
        self._main_sizes: deque[int] = deque()
        self._ghosts: dict[K, int] = {}  # plain: its first are slow to find, but many leave at once
        self._ghost_room_bytes = int(capacity_bytes * GHOST_SHARE)
        self._small_bytes = 0
        self.missed_bytes = 0.0

    def serve(self, keys: Sequence[K], sizes: Sequence[int]) -> set[int]:
        states, ghosts, room_bytes, missed_bytes = self._states, self._ghosts, self._room_bytes, 0
        known, enter, enter_size = states.get, self._small.append, self._small_sizes.append
        missed: list[int] = []
        for place, key in enumerate(keys):
            state = known(key)
            if state is not None:
                if state < CHANCES:
                    states[key] = state + 1
                continue
            missed.append(place)
            size_bytes = sizes[place]
            missed_bytes += size_bytes
            if size_bytes > self._capacity:
                continue
            is_ghost = key in ghosts
            if is_ghost:
                self._ghost_room_bytes += ghosts.pop(key)
            if size_bytes > room_bytes:
                room_bytes = self._shrink(room_bytes, min(self._capacity, size_bytes + self._slack_bytes))
            room_bytes -= size_bytes
            states[key] = 0
            if is_ghost:
                self._main.append(key)
                self._main_sizes.append(size_bytes)
            else:
                enter(key)
                enter_size(size_bytes)
                self._small_bytes += size_bytes
        self._room_bytes = room_bytes
        self.missed_bytes += missed_bytes
        return set(missed)

    def _shrink(self, room_bytes: int, needed_bytes: int) -> int:
        """Let keys go until there is so much room; returns the room."""
        states, small, main, ghosts = self._states, self._small, self._main, self._ghosts
        small_sizes, main_sizes, kept = self._small_sizes, self._main_sizes, self._kept
        small_bytes, small_limit, ghost_bytes = self._small_bytes, self._small_limit, 0
        while room_bytes < needed_bytes:
            if not main or (small_bytes >= small_limit and small):
                key, size_bytes = small.popleft(), small_sizes.popleft()
                small_bytes -= size_bytes
                if states[key] or key in kept:
                    states[key] = 0
                    main.append(key)
                    main_sizes.append(size_bytes)
                    continue
                ghosts[key] = size_bytes
                ghost_bytes += size_bytes
            else:
                key, size_bytes = main.popleft(), main_sizes.popleft()
                state = states[key]
                if state:
                    states[key] = state - 1
                    main.append(key)
                    main_sizes.append(size_bytes)
                    continue
            room_bytes += size_bytes
            del states[key]
        self._small_bytes = small_bytes
        self._ghost_room_bytes -= ghost_bytes
        if self._ghost_room_bytes < 0:
            self._forget()
        return room_bytes

    def _forget(self) -> None:
        """Let the oldest ghosts go until the others fit."""
        room_bytes, forgotten = self._ghost_room_bytes, []
        for key, size_bytes in self._ghosts.items():
            if room_bytes >= 0:
                break
            room_bytes += size_bytes
            forgotten.append(key)
        for key in forgotten:
            del self._ghosts[key]
        self._ghost_room_bytes = room_bytes


class LruMiniature(Generic[K]):
    """Least recently used leaves first."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity = capacity_bytes
        self._aim = capacity_bytes - int(capacity_bytes * SLACK)
        self._sizes: OrderedDict[K, int] = OrderedDict()
        self._used_bytes = 0
        self.missed_bytes = 0.0

    def serve(self, keys: Sequence[K], sizes: Sequence[int]) -> set[int]:
        held, capacity, used_bytes, missed_bytes = self._sizes, self._capacity, self._used_bytes, 0
        use, pop_oldest = held.move_to_end, held.popitem
        missed: list[int] = []
        for place, key in enumerate(keys):
            if key in held:
                use(key)
                continue
            missed.append(place)
            size_bytes = sizes[place]
            missed_bytes += size_bytes
            if size_bytes > capacity:
                continue
            held[key] = size_bytes
            used_bytes += size_bytes
            if used_bytes > capacity:
                while used_bytes > self._aim and held:
                    used_bytes -= pop_oldest(False)[1]
        self._used_bytes = used_bytes
        self.missed_bytes += missed_bytes
        return set(missed)
