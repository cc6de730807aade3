"""Surrogate tags to the keys that carry them, and the memory of purges that fills in progress must obey.

Pure. Tags are compared whole: `video:1` never touches `video:10`. A key is listed under a tag as long as
some tier holds it.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from edge.cache.key import PrimaryKey, StorageKey, primary_of

MAX_REMEMBERED_PURGES = 256
"""A fill that saw more purges than this go by is not stored."""


class TagIndex:
    """Both directions of the relation between tags and keys; no empty set stays behind."""

    def __init__(self) -> None:
        self._keys: dict[str, set[StorageKey]] = {}
        self._tags: dict[StorageKey, tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, key: StorageKey, tags: tuple[str, ...]) -> None:
        """Replace the tags of key."""
        if key in self._tags:
            self.remove(key)
        if tags:
            self._tags[key] = tags
        for tag in tags:
            self._keys.setdefault(tag, set()).add(key)

    def remove(self, key: StorageKey) -> None:
        """Forget key."""
        for tag in self._tags.pop(key, ()):
            keys = self._keys[tag]
            keys.discard(key)
            if not keys:
                del self._keys[tag]

    def keys(self, tag: str) -> list[StorageKey]:
        """The keys that carry exactly this tag."""
        return sorted(self._keys.get(tag, ()))


@dataclass(frozen=True, slots=True)
class Purge:
    """What a purge covers: one URL with all its variants, one tag, or (both None) everything."""

    primary: PrimaryKey | None = None
    tag: str | None = None
    is_soft: bool = False
    """Make stale instead of delete: used again after a validation, or as stale-while-revalidate and
    stale-if-error allow."""
    at_ms: int = 0
    """Wall clock at which this node applies it; 0 leaves no mark behind (and is never soft)."""

    def covers(self, key: StorageKey, tags: Iterable[str]) -> bool:
        """Whether an object with this key and these tags is gone."""
        if self.primary is not None:
            return primary_of(key) == self.primary
        return self.tag is None or self.tag in tags


@dataclass(slots=True)
class PurgeLog:
    """The latest purges by number, so that a purge that races a fill wins."""

    revision: int = 0
    _latest: deque[Purge] = field(default_factory=lambda: deque(maxlen=MAX_REMEMBERED_PURGES))

    def add(self, purge: Purge) -> None:
        """Record a purge that happens now."""
        self.revision += 1
        self._latest.append(purge)

    def covers_since(self, revision: int, key: StorageKey, tags: Iterable[str]) -> bool:
        """Whether a purge after `revision` covers an object; True when that is no longer known."""
        n_new = self.revision - revision
        if n_new > len(self._latest):
            return True
        held = tuple(tags)
        return any(self._latest[-i].covers(key, held) for i in range(1, n_new + 1))
