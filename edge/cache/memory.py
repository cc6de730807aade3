"""The RAM tier: entries within a bound of bytes, as an aiocache backend.

The synchronous methods are what the edge itself calls: a hit costs two dictionary look-ups. The aiocache
interface is the same store for whoever speaks that; its values must be entries. One event loop owns it.
"""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from aiocache.base import BaseCache
from aiocache.serializers import NullSerializer
from multidict import CIMultiDictProxy

from edge.cache.entry import Entry
from edge.cache.eviction.adaptive import Adaptive
from edge.cache.eviction.pinned import Pinned
from edge.cache.eviction.policy import Eviction
from edge.cache.key import video_of
from edge.cache.written import Written
from shared.clock import Clock

OVERHEAD_BYTES = 1536
"""What an entry counts beside its body and fields: keys, places in indexes and queues, policy."""
FIELD_BYTES = 400
"""What a header field counts beside its text: in the entry, in its headers and in the prepared head."""
PINNED_SHARE = 0.5
"""Part of the tier that pinned entries may hold."""
TOLD_HITS = 4
"""No policy tells more hits than these apart."""


def _nobody(_: str) -> None:
    pass


def weight_bytes(entry: Entry) -> int:
    """What an entry takes of the RAM tier; measured by tests/bench/edge/test_bench_disk.py."""
    fields = entry.meta.fields
    text = fields.n_chars if isinstance(fields, Written) else sum(map(len, chain.from_iterable(fields)))
    return len(entry.body) + OVERHEAD_BYTES + len(fields) * FIELD_BYTES + text


class Hot:
    """An entry in RAM, and the response head that was last made for it."""

    __slots__ = ("entry", "is_offered", "prepared", "prepared_s")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.prepared: CIMultiDictProxy[str] | None = None
        self.prepared_s = -1
        """The age in whole seconds that `prepared` tells."""
        self.is_offered = False
        """Somebody made answers of it in advance."""


class MemoryTier(BaseCache):  # type: ignore[misc]
    """Entries by storage key. Invariant: `used_bytes <= limit_bytes`."""

    NAME = "headstart-memory"

    def __init__(
        self,
        limit_bytes: int,
        clock: Clock,
        eviction: Eviction[str] | None = None,
        pinned_share: float = PINNED_SHARE,
    ) -> None:
        super().__init__(serializer=NullSerializer(), timeout=None)
        self.limit_bytes = limit_bytes
        self._clock = clock
        policy: Eviction[str] = eviction or Adaptive(limit_bytes, video_of)
        self._eviction = Pinned(policy, limit_bytes, pinned_share)
        self.held: dict[str, Hot] = {}
        """For others to look a key up in; that is not counted as use."""
        self._expiry_s: dict[str, float] = {}
        self._gone: Callable[[str], None] = _nobody
        self._before_admit: Callable[[], None] = lambda: None

    def watch(self, gone: Callable[[str], None], before_admit: Callable[[], None]) -> None:
        """Have `gone(key)` called when an entry leaves, is replaced or may no longer be used as it is, and
        `before_admit()` before the eviction decides."""
        self._gone, self._before_admit = gone, before_admit

    @property
    def used_bytes(self) -> int:
        """Bodies and overheads."""
        return self._eviction.used_bytes

    def __len__(self) -> int:
        return len(self.held)

    def __contains__(self, key: str) -> bool:
        return key in self.held

    def lookup(self, key: str) -> Hot | None:
        """The entry of key, and a note for the eviction that it was used."""
        hot = self.held.get(key)
        if hot is not None:
            self._eviction.touch(key)
        return hot

    def peek(self, key: str) -> Hot | None:
        """The entry of key; not counted as use."""
        return self.held.get(key)

    def replace(self, entry: Entry) -> None:
        """Put entry in the place of the one with its key, which must be there and as large."""
        self.held[str(entry.key)] = Hot(entry)
        self.forget(str(entry.key))

    def insert(self, entry: Entry) -> list[str]:
        """Hold entry and return the keys that left for it; the entry's own key when it is too large."""
        key = entry.meta.key
        self._before_admit()
        held, expiry_s = self.held, self._expiry_s
        if key in held:
            self.forget(key)
        victims = self._eviction.admit(key, weight_bytes(entry))
        held[key] = Hot(entry)
        if expiry_s:
            expiry_s.pop(key, None)
        for victim in victims:
            if held.pop(victim).is_offered:
                self.forget(victim)
            if expiry_s:
                expiry_s.pop(victim, None)
        return victims

    def pin(self, key: str, distance: int) -> None:
        """Keep key, from now or from when it is inserted, until `unpin`; the farthest gives way to others."""
        self._eviction.pin(key, distance)

    def unpin(self, key: str) -> None:
        """Let key leave again when its turn comes."""
        self._eviction.unpin(key)

    def is_wanted(self, key: str) -> bool:
        """Whether key has a pin, held or not."""
        return self._eviction.is_wanted(key)

    @property
    def pinned_bytes(self) -> int:
        """Bodies and overheads of what is held and cannot leave."""
        return self._eviction.pinned_bytes

    def touch(self, key: str, n_hits: int) -> None:
        """Note hits that were answered without a look-up; more than a few at once count as a few."""
        for _ in range(min(n_hits, TOLD_HITS)):
            self._eviction.touch(key)

    def forget(self, key: str) -> None:
        """Have whoever made answers of this entry in advance throw them away."""
        self._gone(key)

    def remove(self, key: str) -> bool:
        """Drop key; whether it was there."""
        self._eviction.remove(key)
        self._expiry_s.pop(key, None)
        self.forget(key)
        return self.held.pop(key, None) is not None

    def keys(self) -> list[str]:
        """Every key held."""
        return list(self.held)

    # aiocache's side. It calls these with the built key; `ttl` is in seconds, 0 or None means none.

    async def _get(self, key: str, encoding: str | None = "utf-8", _conn: Any = None) -> Entry | None:
        if self._expiry_s and self._expiry_s.get(key, float("inf")) <= self._clock.monotonic():
            self.remove(key)
        hot = self.lookup(key)
        return hot.entry if hot else None

    async def _gets(self, key: str, encoding: str = "utf-8", _conn: Any = None) -> Entry | None:
        return await self._get(key)

    async def _multi_get(
        self, keys: Iterable[str], encoding: str | None = "utf-8", _conn: Any = None
    ) -> list[Entry | None]:
        return [await self._get(key) for key in keys]

    async def _set(
        self, key: str, value: Entry, ttl: float | None = None, _cas_token: Any = None, _conn: Any = None
    ) -> bool | int:
        if not isinstance(value, Entry) or str(value.key) != key:
            raise TypeError(f"{key!r} can only hold its own entry")
        if _cas_token is not None and _cas_token != await self._get(key):
            return 0
        victims = self.insert(value)
        if ttl and key not in victims:
            self._expiry_s[key] = self._clock.monotonic() + ttl
        return key not in victims

    async def _multi_set(
        self, pairs: Iterable[tuple[str, Entry]], ttl: float | None = None, _conn: Any = None
    ) -> bool:
        return all([await self._set(key, value, ttl) for key, value in pairs])

    async def _add(self, key: str, value: Entry, ttl: float | None = None, _conn: Any = None) -> bool:
        if await self._exists(key):
            raise ValueError(f"{key!r} is there already; use set to replace it")
        return bool(await self._set(key, value, ttl))

    async def _exists(self, key: str, _conn: Any = None) -> bool:
        return await self._get(key) is not None

    async def _increment(self, key: str, delta: int, _conn: Any = None) -> int:
        raise TypeError("an entry is not a number")

    async def _expire(self, key: str, ttl: float, _conn: Any = None) -> bool:
        if not await self._exists(key):
            return False
        self._expiry_s.pop(key, None)
        if ttl:
            self._expiry_s[key] = self._clock.monotonic() + ttl
        return True

    async def _delete(self, key: str, _conn: Any = None) -> int:
        return int(self.remove(key))

    async def _clear(self, namespace: str | None = None, _conn: Any = None) -> bool:
        for key in self.keys():
            if key.startswith(namespace or ""):
                self.remove(key)
        return True

    async def _raw(
        self, command: str, *args: Any, encoding: str = "utf-8", _conn: Any = None, **kw: Any
    ) -> Any:
        return getattr(self.held, command)(*args, **kw)
