"""Which variants of a URL are stored, and which of them may answer a request (RFC 9111 section 4.1).

Pure. Per URL a few sets of nominated fields, the newest first; per URL at most `limit` variants, the oldest
leaving first. URLs without Vary are not listed: their storage key is their primary key.

A request matches a variant when its nominated fields say the same, or when they differ in Accept-Language
only and the variant is in the language that the request wants most: no better answer could come.
"""

from typing import NamedTuple

from multidict import MultiMapping

from edge.cache.key import (
    PrimaryKey,
    StorageKey,
    VaryValues,
    preferences,
    primary_of,
    storage_key,
    vary_values,
)

LANGUAGE = "accept-language"


class Listed(NamedTuple):
    """One stored variant."""

    names: tuple[str, ...]
    """Nominated fields."""
    language: str = ""
    """Content-Language, lower case, when the answer was chosen by that; else empty."""
    others: StorageKey = StorageKey("")
    """What the nominated fields but Accept-Language amount to."""


class Variants:
    """The stored variants by URL. Every listed variant is held by some tier."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.stored: dict[PrimaryKey, dict[StorageKey, Listed]] = {}
        """For others to look a URL up in."""

    def __len__(self) -> int:
        return len(self.stored)

    def candidates(self, primary: PrimaryKey, request: MultiMapping[str]) -> list[StorageKey]:
        """The listed keys that match a request: the same wishes first, the most recently stored first."""
        stored = self.stored.get(primary)
        if stored is None:
            return []
        sets = {listed.names for listed in stored.values()}
        by_names = {names: storage_key(primary, vary_values(names, request)) for names in sets}
        same = [key for key, listed in reversed(stored.items()) if by_names[listed.names] == key]
        wanted = _wanted_language(request) if any(listed.language for listed in stored.values()) else ""
        return same + [
            key
            for key, listed in reversed(stored.items())
            if wanted
            and listed.language == wanted
            and key not in same
            and listed.others == storage_key(primary, vary_values(_but_language(listed.names), request))
        ]

    def expected(self, primary: PrimaryKey, request: MultiMapping[str]) -> StorageKey:
        """The key of an answer to this request, if it varies as the latest one did."""
        stored = self.stored.get(primary)
        names = next(reversed(stored.values())).names if stored else ()
        return storage_key(primary, vary_values(names, request))

    def add(self, primary: PrimaryKey, values: VaryValues, language: str = "") -> list[StorageKey]:
        """List a variant just stored; returns the keys that it makes unreachable or that are over the limit.

        A response without Vary replaces all variants, and one with Vary replaces the one without.
        """
        if not values:
            return list(self.stored.pop(primary, ()))
        key = storage_key(primary, values)
        stored = self.stored.get(primary)
        victims: list[StorageKey] = []
        if stored is None:
            stored = self.stored[primary] = {}
            victims.append(StorageKey(primary))
        stored.pop(key, None)
        stored[key] = _listed(primary, values, language)
        while len(stored) > self._limit:
            oldest = next(iter(stored))
            del stored[oldest]
            victims.append(oldest)
        return victims

    def remove(self, key: StorageKey) -> None:
        """Forget a variant that no tier holds any more."""
        stored = self.stored.get(primary_of(key))
        if stored is not None:
            stored.pop(key, None)
            if not stored:
                del self.stored[primary_of(key)]

    def keys(self, primary: PrimaryKey) -> list[StorageKey]:
        """Every key that the URL may be stored under."""
        return [StorageKey(primary), *self.stored.get(primary, ())]


def _listed(primary: PrimaryKey, values: VaryValues, language: str) -> Listed:
    names = tuple(name for name, _ in values)
    if LANGUAGE not in names or "," in language:
        return Listed(names)
    others = tuple((name, value) for name, value in values if name != LANGUAGE)
    return Listed(names, language.strip().lower(), storage_key(primary, others))


def _but_language(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name != LANGUAGE)


def _wanted_language(request: MultiMapping[str]) -> str:
    """The one language that a request wants more than any other; empty when there is no such."""
    best = preferences(request.getall(LANGUAGE, [])) or ()
    is_single = len(best) == 1 or (len(best) > 1 and best[0][0] < best[1][0])
    return best[0][1] if is_single and best[0][0] < 0 and best[0][1] != "*" else ""
