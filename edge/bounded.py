"""aiocache's memory backend with a bound: the least recently used entry leaves first.

Besides aiocache's own calls it can be read and written without an await (`peek`, `put`), for code that must
decide between two awaits. Invariant: at most `max_entries`.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Generic, TypeVar, cast

from aiocache import SimpleMemoryCache

V = TypeVar("V")


class BoundedCache(SimpleMemoryCache, Generic[V]):  # type: ignore[misc]
    """An LRU of at most `max_entries` entries."""

    def __init__(self, max_entries: int, **options: Any) -> None:
        super().__init__(timeout=None, **options)
        self._max_entries = max_entries
        self._cache: OrderedDict[str, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._cache)

    def peek(self, key: str) -> V | None:
        """The value, not counted as use."""
        return self._cache.get(key)

    def put(self, key: str, value: V) -> None:
        """Set the value, now the most recently used."""
        self._cache[key] = value
        self._shrink(key)

    def use(self, key: str) -> None:
        """Count as just used."""
        if key in self._cache:
            self._cache.move_to_end(key)

    def discard(self, key: str) -> None:
        """Remove the key if it is there."""
        self._cache.pop(key, None)

    def values(self) -> Iterator[V]:
        """The least recently used first."""
        return iter(self._cache.values())

    async def _get(self, key: str, encoding: str = "utf-8", _conn: object = None) -> V | None:
        self.use(key)
        return self._cache.get(key)

    async def _set(
        self, key: str, value: V, ttl: float | None = None, _cas_token: object = None, _conn: object = None
    ) -> bool:
        kept = await super()._set(key, value, ttl=ttl, _cas_token=_cas_token, _conn=_conn)
        self._shrink(key)
        return cast(bool, kept)

    async def _clear(self, namespace: str | None = None, _conn: object = None) -> bool:
        await super()._clear(namespace)
        self._cache = OrderedDict(self._cache)
        return True

    def _shrink(self, key: str) -> None:
        self._cache.move_to_end(key)
        while len(self._cache) > self._max_entries:
            oldest, _ = self._cache.popitem(last=False)
            handle = self._handlers.pop(oldest, None)
            if handle:
                handle.cancel()
