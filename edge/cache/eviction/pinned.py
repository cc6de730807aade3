"""What may not leave yet: objects that sessions are about to need, held apart from any policy's queues.

Pure. A key is wanted from `pin` until `unpin`; while it is wanted and held, and there is room among the
pinned, the policy below does not see it. Beyond the share the farthest pin gives way, of equals the oldest:
it goes back to the policy's queues, still wanted. Steps are O(1) amortised, a hit costs one look-up more.
"""

from collections import OrderedDict
from typing import Generic

from edge.cache.eviction.policy import Eviction, K

MAX_DISTANCE = 31
"""Farther pins count as this far."""


class _Pin:
    """A pinned key that is held."""

    __slots__ = ("distance", "n_uses", "size_bytes")

    def __init__(self, size_bytes: int, distance: int, n_uses: int) -> None:
        self.size_bytes = size_bytes
        self.distance = distance
        self.n_uses = n_uses
        """The first is what it was warmed for; only a second makes it something asked for again."""


class Pinned(Generic[K]):
    """A policy with pins. Invariant: `pinned_bytes` is within the share, and all together within capacity."""

    def __init__(self, policy: Eviction[K], capacity_bytes: int, share: float) -> None:
        self._policy = policy
        self._capacity = capacity_bytes
        self._share = share
        self._wanted: dict[K, int] = {}
        self._pins: dict[K, _Pin] = {}
        # Ordered dictionaries: the first of a plain one is slow to find after many deletions.
        self._by_distance: list[OrderedDict[K, None]] = [OrderedDict() for _ in range(MAX_DISTANCE + 1)]
        self.pinned_bytes = 0

    @property
    def used_bytes(self) -> int:
        return self._policy.used_bytes + self.pinned_bytes

    @property
    def n_wanted(self) -> int:
        """Keys with a pin, held or not."""
        return len(self._wanted)

    def __len__(self) -> int:
        return len(self._policy) + len(self._pins)

    def __contains__(self, key: K) -> bool:
        return key in self._pins or key in self._policy

    def is_wanted(self, key: K) -> bool:
        """Whether key has a pin, held or not."""
        return key in self._wanted

    def is_pinned(self, key: K) -> bool:
        """Whether key is held and cannot leave."""
        return key in self._pins

    def keys(self) -> list[K]:
        return [*self._policy.keys(), *self._pins]

    def size_bytes(self, key: K) -> int:
        pin = self._pins.get(key)
        return pin.size_bytes if pin else self._policy.size_bytes(key)

    def pin(self, key: K, distance: int) -> None:
        """Keep key, from now or from when it comes, until `unpin`; a second call tells a new distance.

        What is held stays held, so there is never a victim.
        """
        distance = self._wanted[key] = min(max(0, distance), MAX_DISTANCE)
        pin = self._pins.get(key)
        if pin is not None:
            del self._by_distance[pin.distance][key]
            self._by_distance[distance][key] = None
            pin.distance = distance
        elif key in self._policy:
            size_bytes = self._policy.size_bytes(key)
            if self._make_room(size_bytes, distance):
                self._policy.remove(key)
                self._hold(key, _Pin(size_bytes, distance, n_uses=1))

    def unpin(self, key: K) -> None:
        """Key is like any other again; it stays held."""
        self._wanted.pop(key, None)
        if key in self._pins:
            self._release(key)

    def admit(self, key: K, size_bytes: int) -> list[K]:
        was_pinned = key in self._pins and self._drop(key)
        distance = self._wanted.get(key)
        if distance is None or size_bytes > self._capacity or not self._make_room(size_bytes, distance):
            return self._policy.admit(key, size_bytes)
        self._policy.remove(key)
        return self._hold(key, _Pin(size_bytes, distance, n_uses=int(was_pinned)))

    def touch(self, key: K) -> None:
        pin = self._pins.get(key)
        if pin is None:
            self._policy.touch(key)
        else:
            pin.n_uses += 1

    def remove(self, key: K) -> None:
        if not self._drop(key):
            self._policy.remove(key)

    def resize(self, capacity_bytes: int) -> list[K]:
        self._capacity = capacity_bytes
        released: list[tuple[K, int]] = []
        while self.pinned_bytes > self._share * capacity_bytes:
            key = self._farthest(0)
            assert key is not None
            released.append((key, self._forget(key).size_bytes))
        victims = self._policy.resize(capacity_bytes - self.pinned_bytes)
        for key, size_bytes in released:
            victims += self._policy.admit(key, size_bytes)
        return victims

    def _make_room(self, size_bytes: int, distance: int) -> bool:
        """Release farther pins, and older ones as far; False when that is not enough."""
        limit = self._share * self._capacity
        while self.pinned_bytes + size_bytes > limit:
            key = None if size_bytes > limit else self._farthest(distance)
            if key is None:
                return False
            self._release(key)
        return True

    def _farthest(self, distance: int) -> K | None:
        """The oldest of the farthest pins, if they are at least so far."""
        for bucket in reversed(self._by_distance[distance:]):
            if bucket:
                return next(iter(bucket))
        return None

    def _hold(self, key: K, pin: _Pin) -> list[K]:
        self._pins[key] = pin
        self._by_distance[pin.distance][key] = None
        self.pinned_bytes += pin.size_bytes
        return self._policy.resize(self._capacity - self.pinned_bytes)

    def _release(self, key: K) -> None:
        """Back to the queues. Its bytes are freed before they are taken again: nothing leaves for it."""
        pin = self._forget(key)
        self._policy.resize(self._capacity - self.pinned_bytes)
        self._policy.admit(key, pin.size_bytes)
        if pin.n_uses > 1:
            self._policy.touch(key)

    def _drop(self, key: K) -> bool:
        """Let a pinned key's bytes go; False when it is not pinned."""
        if key not in self._pins:
            return False
        self._forget(key)
        self._policy.resize(self._capacity - self.pinned_bytes)
        return True

    def _forget(self, key: K) -> _Pin:
        pin = self._pins.pop(key)
        del self._by_distance[pin.distance][key]
        self.pinned_bytes -= pin.size_bytes
        return pin
