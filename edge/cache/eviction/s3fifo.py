"""S3-FIFO: newcomers on probation in a small queue, what is asked for again in the main one.

Pure. After Yang et al., "FIFO queues are all you need for cache eviction" (SOSP 2023), with promotion at the
first re-reference (short-video objects are read once or often) and ghosts bounded by bytes, not by number:
right after the start the main queue is nearly empty, and a number taken from it would forget at once what
comes back. On request the same queues work as an LRU, without dropping what they hold (`order_by`), and where
it is known which keys belong together, siblings vouch for newcomers (`siblings.py`).
"""

from collections import OrderedDict
from enum import Enum
from typing import Generic

from edge.cache.eviction.policy import K
from edge.cache.eviction.siblings import Siblings

GHOST_SHARE = 1.0
"""Bytes of evicted newcomers that are remembered, relative to the capacity."""
CHANCES = 3
"""Second chances that an object can save up; also the mask of them in a state."""
MAIN = 4
"""Bit of a state: in the main queue."""
MARK = 8
"""Bit of a state that belongs to the owner of the queues."""


class Order(Enum):
    """How the queues decide."""

    S3FIFO = "s3fifo"
    SIBLINGS = "siblings"
    """S3-FIFO in which a newcomer that nobody asked for again is kept if its siblings vouch for it."""
    WIDE = "wide"
    """S3-FIFO with a longer probation: what was loved once does not fill the room of what is new."""
    LRU = "lru"
    """The small queue takes everything: newcomers and hits at its end, victims from its head. The main one,
    what S3-FIFO left, drains before. Going back, the small queue is as after a start: it drains, what was hit
    is promoted, and nothing old sits in the main queue for long."""


SMALL_SHARES = {Order.S3FIFO: 0.1, Order.SIBLINGS: 0.1, Order.WIDE: 0.4}
"""Part of the bytes that newcomers may hold on probation."""


class S3Fifo(Generic[K]):
    """A key is in exactly one of small and main; a ghost is in neither.

    States are small integers and queues hold sizes: a hit makes no object, and nothing here is for the
    garbage collector to walk (objects with slots cost a third of the speed).
    """

    def __init__(
        self, capacity_bytes: int, order: Order = Order.S3FIFO, siblings: Siblings[K] | None = None
    ) -> None:
        self._small_share = 0.0
        self._capacity = capacity_bytes
        self._small_capacity = 0
        self._ghost_limit = int(capacity_bytes * GHOST_SHARE)
        self._is_lru = False
        self._siblings = siblings
        self._promote = siblings.promote if siblings else None
        self.order_by(order)
        self.states: dict[K, int] = {}
        """Chances and bits of every key held; for the owner to read."""
        self._small: OrderedDict[K, int] = OrderedDict()
        self._main: OrderedDict[K, int] = OrderedDict()
        self._ghosts: OrderedDict[K, int] = OrderedDict()
        self._small_bytes = 0
        self._ghost_bytes = 0
        self.used_bytes = 0

    def __len__(self) -> int:
        return len(self.states)

    def __contains__(self, key: K) -> bool:
        return key in self.states

    def keys(self) -> list[K]:
        return [*self._small, *self._main]

    def order_by(self, order: Order) -> None:
        """Decide otherwise from now on; nothing leaves for it."""
        self._is_lru = order is Order.LRU
        if self._siblings:
            self._siblings.is_trusted = order is Order.SIBLINGS
        self._small_share = SMALL_SHARES.get(order, 1.0)
        self._small_capacity = int(self._capacity * self._small_share)

    def size_bytes(self, key: K) -> int:
        return self._main[key] if self.states[key] & MAIN else self._small[key]

    def admit(self, key: K, size_bytes: int, mark: int = 0) -> list[K]:
        states = self.states
        state = self._take(key) if key in states else 0
        room = self._capacity - size_bytes
        if room < 0:
            return [key]
        if key in self._ghosts:
            self._ghost_bytes -= self._ghosts.pop(key)
            state = MAIN
        if self._is_lru:
            state &= ~MAIN
        # Room before the key is queued: it is never its own victim.
        victims = self._shrink(room) if self.used_bytes > room else []
        states[key] = state | mark
        self.used_bytes += size_bytes
        if state & MAIN:
            self._main[key] = size_bytes
        else:
            self._small[key] = size_bytes
            self._small_bytes += size_bytes
        return victims

    def touch(self, key: K) -> None:
        state = self.states.get(key)
        if state is None:
            return
        if not self._is_lru:
            if state & CHANCES < CHANCES:
                self.states[key] = state + 1
            return
        if state & MAIN:
            size_bytes = self._small[key] = self._main.pop(key)
            self._small_bytes += size_bytes
        else:
            self._small.move_to_end(key)
        self.states[key] = state & ~(MAIN | CHANCES) | 1

    def remove(self, key: K) -> None:
        if key in self.states:
            self._take(key)
        self._ghost_bytes -= self._ghosts.pop(key, 0)

    def resize(self, capacity_bytes: int) -> list[K]:
        self._capacity = capacity_bytes
        self._small_capacity = int(capacity_bytes * self._small_share)
        self._ghost_limit = int(capacity_bytes * GHOST_SHARE)
        if self._siblings:
            self._siblings.capacity_bytes = capacity_bytes
        return self._shrink(capacity_bytes)

    def _take(self, key: K) -> int:
        state = self.states.pop(key)
        if state & MAIN:
            self.used_bytes -= self._main.pop(key)
        else:
            size_bytes = self._small.pop(key)
            self._small_bytes -= size_bytes
            self.used_bytes -= size_bytes
        return state

    def _shrink(self, room_bytes: int) -> list[K]:
        """Let keys go until at most `room_bytes` are held. A step: one moves on, gets a round, or leaves."""
        states, small, main, ghosts = self.states, self._small, self._main, self._ghosts
        is_lru, small_limit, promote = self._is_lru, self._small_capacity, self._promote
        small_bytes, used_bytes, ghost_bytes = self._small_bytes, self.used_bytes, self._ghost_bytes
        victims: list[K] = []
        while used_bytes > room_bytes:
            if not main or (small_bytes >= small_limit and small and not is_lru):
                key, size_bytes = small.popitem(False)  # by name costs half as much again
                small_bytes -= size_bytes
                state = states[key]
                is_kept = promote(key, size_bytes, state & CHANCES) if promote else state & CHANCES
                if is_kept and not is_lru:
                    states[key] = state & ~CHANCES | MAIN
                    main[key] = size_bytes
                    continue
                if not state & CHANCES:
                    ghosts[key] = size_bytes
                    ghost_bytes += size_bytes
            else:
                key, size_bytes = main.popitem(False)
                state = states[key]
                if state & CHANCES:
                    if is_lru:
                        states[key] = state & ~(MAIN | CHANCES) | 1
                        small[key] = size_bytes
                        small_bytes += size_bytes
                    else:
                        states[key] = state - 1
                        main[key] = size_bytes
                    continue
            del states[key]
            used_bytes -= size_bytes
            victims.append(key)
        while ghost_bytes > self._ghost_limit:
            ghost_bytes -= ghosts.popitem(False)[1]
        self._small_bytes, self.used_bytes, self._ghost_bytes = small_bytes, used_bytes, ghost_bytes
        return victims
