"""Which variants of a URL are stored, and which of them may answer a request (RFC 9111 section 4.1).

Pure. Per URL a few sets of nominated fields, the newest first; per URL at most `limit` variants, the oldest
leaving first. URLs without Vary are not listed: their storage key is their primary key.
"""

from multidict import MultiMapping

from edge.cache.key import PrimaryKey, StorageKey, VaryValues, primary_of, storage_key, vary_values


class Variants:
    """The stored variants by URL. Every listed variant is held by some tier."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._stored: dict[PrimaryKey, dict[StorageKey, tuple[str, ...]]] = {}

    def __len__(self) -> int:
        return len(self._stored)

    def candidates(self, primary: PrimaryKey, request: MultiMapping[str]) -> list[StorageKey]:
        """The listed keys that match a request, the most recently stored first."""
        stored = self._stored.get(primary)
        if stored is None:
            return []
        by_names = {names: storage_key(primary, vary_values(names, request)) for names in stored.values()}
        return [key for key, names in reversed(stored.items()) if by_names[names] == key]

    def expected(self, primary: PrimaryKey, request: MultiMapping[str]) -> StorageKey:
        """The key of an answer to this request, if it varies as the latest one did."""
        stored = self._stored.get(primary)
        names = next(reversed(stored.values())) if stored else ()
        return storage_key(primary, vary_values(names, request))

    def add(self, primary: PrimaryKey, values: VaryValues) -> list[StorageKey]:
        """List a variant just stored; returns the keys that it makes unreachable or that are over the limit.

        A response without Vary replaces all variants, and one with Vary replaces the one without.
        """
        if not values:
            return list(self._stored.pop(primary, ()))
        key = storage_key(primary, values)
        stored = self._stored.get(primary)
        victims: list[StorageKey] = []
        if stored is None:
            stored = self._stored[primary] = {}
            victims.append(StorageKey(primary))
        stored.pop(key, None)
        stored[key] = tuple(name for name, _ in values)
        while len(stored) > self._limit:
            oldest = next(iter(stored))
            del stored[oldest]
            victims.append(oldest)
        return victims

    def remove(self, key: StorageKey) -> None:
        """Forget a variant that no tier holds any more."""
        stored = self._stored.get(primary_of(key))
        if stored is not None:
            stored.pop(key, None)
            if not stored:
                del self._stored[primary_of(key)]

    def keys(self, primary: PrimaryKey) -> list[StorageKey]:
        """Every key that the URL may be stored under."""
        return [StorageKey(primary), *self._stored.get(primary, ())]
