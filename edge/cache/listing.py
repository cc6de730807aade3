"""Which stored objects there are, by URL and by tag.

Pure. Lists a key as long as some tier holds it.
"""

from collections.abc import Iterable

from edge.cache.blocks import PartIndex, split_part
from edge.cache.journal import Listed
from edge.cache.key import PrimaryKey, StorageKey, VaryValues, storage_key
from edge.cache.tags import TagIndex
from edge.cache.variants import Variants


class Listing:
    """Variants, parts and tags, always of the same keys."""

    def __init__(self, n_variants: int) -> None:
        self._n_variants = n_variants
        self.clear()

    def clear(self) -> None:
        """Forget everything. O(1)."""
        self.variants = Variants(self._n_variants)
        self.parts = PartIndex(self._n_variants)
        self.tags = TagIndex()

    def put(
        self, primary: PrimaryKey, vary: VaryValues, tags: tuple[str, ...], language: str
    ) -> list[StorageKey]:
        """List an object just stored; returns the keys that no request reaches any more."""
        if not (vary or self.has_others(primary)):
            self.tags.put(StorageKey(primary), tags)
            return []
        self.tags.put(storage_key(primary, vary), tags)
        if split_part(vary)[1] is not None:
            return self.parts.add(primary, vary)
        return [*self.variants.add(primary, vary, language), *self.parts.replaced_by(primary, vary)]

    def has_others(self, primary: PrimaryKey) -> bool:
        """Whether there are variants or parts of a URL, beside the object that is stored under it."""
        return primary in self.variants.stored or primary in self.parts.stored

    def put_all(self, listed: Iterable[Listed]) -> list[StorageKey]:
        """List what a tier holds at start, the longest stored first; returns as `put`."""
        replaced: list[StorageKey] = []
        for record in listed:
            replaced += self.put(record.primary, record.vary, record.tags, record.language)
        return replaced

    def remove(self, key: StorageKey) -> None:
        """No tier holds key any more."""
        self.tags.remove(key)
        if self.variants.stored:
            self.variants.remove(key)
        if self.parts.stored:
            self.parts.remove(key)
