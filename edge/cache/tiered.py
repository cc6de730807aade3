"""RAM over disk: look-up with promotion, write-through, exact purge.

Every stored object goes to RAM at once and to disk in the background, so a RAM victim is only dropped. The
index of variants and tags lists a key as long as a tier holds it. A purge that races a fill or a promotion
wins: both compare the purge log's revision from before with the one after.
"""

import asyncio
import logging
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from multidict import MultiMapping

from edge.cache.blocks import Parts
from edge.cache.disk import DiskTier
from edge.cache.entry import Entry, complete, softened
from edge.cache.gate import Gate
from edge.cache.key import PrimaryKey, StorageKey, primary_of
from edge.cache.marks import Marks
from edge.cache.memory import Hot, MemoryTier
from edge.cache.settings import CacheLimits
from edge.cache.tags import Purge, PurgeLog
from edge.cache.tiers import PURGE_BATCH, Tiers
from edge.cache.tombstones import Tombstones

log = logging.getLogger(__name__)

SCAN_BATCH = 2048
"""Keys looked at in one go."""


class Tier(StrEnum):
    """Where the bytes of an answer came from."""

    MEMORY = "memory"
    DISK = "disk"
    ORIGIN = "origin"


class Hit(NamedTuple):
    """A stored object in RAM, and the tier that it was found in."""

    hot: Hot
    tier: Tier


class TieredCache(Tiers):
    """One view of both tiers."""

    def __init__(self, limits: CacheLimits, memory: MemoryTier, disk: DiskTier | None) -> None:
        super().__init__(limits, memory, disk)
        self._purges = PurgeLog()
        self.marks = Marks()
        """Restored from a file before `open`, by who keeps it."""
        self.tombstones = Tombstones(limits.n_tombstones, int(limits.tombstone_s * 1000))
        self.gate = Gate()
        self.on_purge: list[Callable[[Purge], None]] = []
        """Told of every purge at once, before the first object goes."""
        self._promotions: dict[str, asyncio.Task[Entry | None]] = {}

    @property
    def revision(self) -> int:
        """Read it before a request to the origin leaves, and give it to `store`."""
        return self._purges.revision

    def lookup(self, primary: PrimaryKey, request: MultiMapping[str]) -> Hot | None:
        """What RAM holds for a request; fresh or not is the caller's to judge. None before a closed gate."""
        if self.gate.is_closed:
            return None
        for key in self._listing.variants.candidates(primary, request) or (StorageKey(primary),):
            hot = self.memory.lookup(key)
            if hot is not None:
                return hot
        return None

    def is_unknown(self, primary: PrimaryKey) -> bool:
        """Whether nothing is held of a URL, in no tier, no variant, no part; not before a closed gate."""
        key = StorageKey(primary)
        is_held = key in self.memory.held or key in self._unwritten or self._listing.has_others(primary)
        return not (is_held or self.gate.is_closed or (self.disk is not None and self.disk.may_hold(key)))

    async def find(self, primary: PrimaryKey, request: MultiMapping[str]) -> Hit | None:
        """What either tier holds for a request, promoted to RAM. A damaged object is not there.

        Waits for the gate; raises Held when that takes too long.
        """
        if self.gate.is_closed:
            await self.gate.wait()
        for key in self._listing.variants.candidates(primary, request) or (StorageKey(primary),):
            hit = await self._held(key)
            if hit is not None:
                return hit
        return None

    async def _held(self, key: StorageKey) -> Hit | None:
        hot = self.memory.lookup(key)
        if hot is not None:
            return Hit(hot, Tier.MEMORY)
        unwritten = self._unwritten.pop(key, None)
        if unwritten is not None:
            unwritten = self.marks.shown(unwritten)
            self._insert(unwritten)
            return Hit(Hot(unwritten), Tier.MEMORY)
        entry = await self._promote(key) if self.disk is not None and key in self.disk else None
        return None if entry is None else Hit(self.memory.lookup(key) or Hot(entry), Tier.DISK)

    async def find_parts(self, primary: PrimaryKey, request: MultiMapping[str]) -> Parts | None:
        """The parts held of the object that a request is for; their head is known."""
        parts = self._listing.parts.find(primary, request)
        while parts is not None and parts.meta is None and parts.held:
            key = parts.held[-1].key
            if await self.part(key) is None:
                self._listing.parts.remove(key)
        return parts if parts is not None and parts.held else None

    async def drop_parts(self, primary: PrimaryKey) -> None:
        """Forget the parts of a URL: the origin has another version."""
        await self._delete_all(self._listing.parts.keys(primary))

    async def part(self, key: StorageKey) -> Entry | None:
        """One stored part, promoted to RAM."""
        hit = await self._held(key)
        if hit is None:
            return None
        self._listing.parts.told(hit.hot.entry.meta)
        return hit.hot.entry

    async def combine(self, parts: Parts, revision: int) -> bool:
        """Store the whole in place of its parts. False: one of them is not there, or a purge won."""
        pieces, place = [], 0
        while place < parts.total:
            held = parts.at(place)
            entry = await self.part(held.key) if held is not None else None
            if held is None or entry is None:
                return False
            pieces.append(entry.body[place - held.start :])
            place = held.stop
        return self.store(complete(parts.whole_meta(), b"".join(pieces)), revision)

    def store(self, entry: Entry, revision: int) -> bool:
        """Hold entry in RAM now and on disk soon. False: a purge after `revision` covers it."""
        meta = entry.meta
        key = meta.key
        if self._purges.revision != revision and self._purges.covers_since(revision, key, meta.tags):
            return False
        language = entry.headers.get("Content-Language", "") if meta.vary else ""
        if meta.primary in self.memory.held:
            self.memory.forget(meta.primary)  # an answer made in advance knows nothing of a new variant
        for replaced in self._listing.put(meta.primary, meta.vary, meta.tags, language):
            self._spawn(self._delete_all([replaced]))
        if meta.vary:
            self._listing.parts.told(meta)
        self._keep(key, entry)
        return True

    async def purge(self, purge: Purge) -> int:
        """Delete, or make stale, what the purge covers: in both tiers and in fills under way.

        Returns how many objects, when none of them can be used as before any more. O(covered), in batches
        between which others run; fills that began earlier are not stored, nor joined by later requests.
        """
        self._purges.add(purge)
        if purge.at_ms:
            self.marks.add(purge)
        for told in self.on_purge:
            told(purge)
        if purge.primary is None and purge.tag is None and not purge.is_soft:
            return await self._clear()
        keys, n_purged = self._covered(purge), 0
        for start in range(0, len(keys), PURGE_BATCH):
            batch = keys[start : start + PURGE_BATCH]
            if purge.is_soft:  # a part is not validated: it goes
                n_purged += self._soften(
                    [key for key in batch if key not in self._listing.parts], purge.at_ms
                )
                batch = [key for key in batch if key in self._listing.parts]
            n_purged += await self._delete_all(batch)
            await asyncio.sleep(0)
        return n_purged

    async def drop_buried(self) -> int:
        """Delete from RAM what lies below a withdrawn video's path and does not carry its tag; how many."""
        held, n_dropped = self.memory.keys(), 0
        for start in range(0, len(held), SCAN_BATCH):
            for key in held[start : start + SCAN_BATCH]:
                if self.tombstones.is_buried(primary_of(StorageKey(key))):
                    n_dropped += self.memory.remove(key)
                    self._forget_if_gone(StorageKey(key))
            await asyncio.sleep(0)
        return n_dropped

    def _covered(self, purge: Purge) -> list[StorageKey]:
        if purge.primary is not None:
            return [*self._listing.variants.keys(purge.primary), *self._listing.parts.keys(purge.primary)]
        if purge.tag is not None:
            return self._listing.tags.keys(purge.tag)
        return [StorageKey(key) for key in {*self.memory.keys(), *(self.disk.keys() if self.disk else ())}]

    def _soften(self, keys: list[StorageKey], at_ms: int) -> int:
        # What is on disk only is made stale by the marks when it is promoted.
        for key in keys:
            self._unwritten.pop(key, None)
            hot = self.memory.peek(key)
            if hot is not None:
                self.memory.replace(softened(hot.entry, at_ms))
        return sum(key in self.memory or (self.disk is not None and self.disk.may_hold(key)) for key in keys)

    async def _promote(self, key: StorageKey) -> Entry | None:
        """Read a key from disk once, however many ask."""
        task = self._promotions.get(key)
        if task is None:
            task = self._promotions[key] = self._spawn(self._load(key))
            task.add_done_callback(lambda _: self._promotions.pop(key, None))
        return await asyncio.shield(task)

    async def _load(self, key: StorageKey) -> Entry | None:
        assert self.disk is not None
        revision = self._purges.revision
        entry = await self.disk.load(key)
        newer = self.memory.lookup(key)
        if newer is not None:  # stored again while the disk was reading
            return newer.entry
        if entry is None:
            self._forget_if_gone(key)
            return None
        if self._purges.covers_since(revision, key, entry.meta.tags):
            return None
        if self.marks.is_gone(entry.meta):
            await self._delete_all([key])
            return None
        entry = self.marks.shown(entry)
        if self._is_worth_ram(entry):
            self._insert(entry)
        return entry
