"""RAM and disk as one store: where an entry is kept, where it is deleted, and what lists it.

Nothing here judges whether an entry may be used: that is for tiered.py.
"""

import asyncio
import logging
from collections.abc import Awaitable, Coroutine, Iterable
from functools import partial
from typing import Any

from multidict import MultiMapping

from edge.cache import metrics
from edge.cache.admission import RamAdmission
from edge.cache.collector import keep_out, uncollected
from edge.cache.disk import DiskTier
from edge.cache.entry import Entry
from edge.cache.key import PrimaryKey, StorageKey
from edge.cache.listing import Listing
from edge.cache.memory import MemoryTier
from edge.cache.settings import CacheLimits
from shared.metrics import before_scrape

log = logging.getLogger(__name__)

PURGE_BATCH = 256
"""Objects that a purge handles before it lets others run."""


async def _deleted(deleting: Awaitable[int]) -> int:
    """How many objects a deletion found. A disk that refuses is told: the index has forgotten them, and a
    file that is found again after a restart is judged by the purge's mark."""
    try:
        return await deleting
    except OSError as exc:
        metrics.DISK_ERRORS.labels("delete").inc()
        log.error("objects_not_deleted", extra={"reason": str(exc)})
        return 0


class Tiers:
    """Both tiers, and the listing of what either holds. One event loop owns it."""

    def __init__(self, limits: CacheLimits, memory: MemoryTier, disk: DiskTier | None) -> None:
        self.memory = memory
        self.disk = disk
        self._listing = Listing(limits.n_variants)
        self._tasks: set[asyncio.Future[Any]] = set()
        self._pending_limit = limits.disk_pending_bytes
        self.pending_bytes = 0
        """On their way to the disk; 0: nothing is, and nobody is still to hear of what has arrived."""
        self._ram_admission = RamAdmission(limits.memory_bytes, limits.large_share)
        self._used = metrics.USED_BYTES.labels("memory")
        self._evicted_from_disk = metrics.EVICTIONS.labels("disk")
        self._unwritten: dict[StorageKey, Entry] = {}
        """Refused by RAM and not yet on disk."""
        before_scrape(self.tell)

    async def open(self) -> int:
        """Take in what the disk holds; returns the number of objects."""
        if self.disk is None:
            return 0
        with uncollected():
            held = await self.disk.open()
            self.disk.on_gone = self._forget_gone
            replaced = await asyncio.to_thread(self._listing.put_all, held)
        keep_out(len(held))
        await self.disk.delete_all(replaced)
        return len(self.disk)

    async def close(self) -> None:
        """Wait for the disk writes that are under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self.disk is not None:
            await self.disk.close()

    def flight_key(self, primary: PrimaryKey, request: MultiMapping[str]) -> str:
        """What requests must have in common to share a fill, as far as the stored variants tell."""
        return self._listing.variants.expected(primary, request)

    def has_variants(self, primary: PrimaryKey) -> bool:
        """Whether other variants of a URL are stored."""
        return len(self._listing.variants.keys(primary)) > 1

    def is_in_memory(self, primary: PrimaryKey) -> bool:
        """Whether RAM holds some variant of a URL."""
        return any(key in self.memory for key in self._listing.variants.keys(primary))

    def pin(self, primary: PrimaryKey, distance: int) -> None:
        """Keep the object in RAM, from now or from when it comes, until `unpin`. Variants are not pinned."""
        self.memory.pin(StorageKey(primary), distance)

    def unpin(self, primary: PrimaryKey) -> None:
        """Let the object leave RAM again when its turn comes."""
        self.memory.unpin(StorageKey(primary))

    def _keep(self, key: StorageKey, entry: Entry) -> None:
        """Hold entry in RAM, unless it must earn that first, and write it to disk."""
        if self.disk is None:
            self._insert(entry)
            return
        self._unwritten.pop(key, None)
        if self.pending_bytes + len(entry.body) > self._pending_limit:
            self._insert(entry)
            metrics.DISK_ERRORS.labels("pending").inc()
            self._spawn(self.disk.delete(key))  # an older copy must not outlive this one
        else:
            if self._is_worth_ram(entry):
                self._insert(entry)
            else:
                metrics.RAM_REFUSED.inc()
                self._unwritten[key] = entry
            self.pending_bytes += len(entry.body)
            writing = self.disk.put(entry)
            self._tasks.add(writing)
            writing.add_done_callback(partial(self._written, entry))

    def expect(self, primary: PrimaryKey) -> None:
        """An object is about to be asked for: it enters RAM at its first fill, however large."""
        self._ram_admission.expect(StorageKey(primary))

    def _is_worth_ram(self, entry: Entry) -> bool:
        # Whatever RAM holds, or keeps a place for, stays current there.
        is_known = entry.key in self.memory or self.memory.is_wanted(entry.key)
        return is_known or self._ram_admission.admits(entry.key, len(entry.body))

    async def _clear(self) -> int:
        """Delete everything; no answer after this call comes from a purged object."""
        held = [(key, self.memory.peek(key)) for key in self.memory.keys()]  # noqa: SIM118 - no mapping
        n_only_hot = sum(self.disk is None or not self.disk.may_hold(key) for key, _ in held)
        # The disk first, and at once: nothing is promoted from it while RAM is emptied in batches.
        clearing = None if self.disk is None else self.disk.clear()
        self._listing.clear()
        self._unwritten.clear()
        for start in range(0, len(held), PURGE_BATCH):
            for key, hot in held[start : start + PURGE_BATCH]:
                if self.memory.peek(key) is hot:  # not stored again since
                    self.memory.remove(key)
            await asyncio.sleep(0)
        return n_only_hot + (0 if clearing is None else await _deleted(clearing))

    async def _delete_all(self, keys: list[StorageKey]) -> int:
        # RAM first and at once, so that no answer after this call comes from a purged object.
        n_only_hot = 0
        for key in keys:
            is_cold = self.disk is not None and self.disk.may_hold(key)
            n_only_hot += self.memory.remove(key) and not is_cold
            self._unwritten.pop(key, None)
            self._listing.remove(key)
        return n_only_hot + (0 if self.disk is None else await _deleted(self.disk.delete_all(keys)))

    def _written(self, entry: Entry, writing: asyncio.Future[list[str]]) -> None:
        self._tasks.discard(writing)
        self.pending_bytes -= len(entry.body)
        if self._unwritten.get(entry.key) is entry:
            del self._unwritten[entry.key]
        victims = writing.result()
        if victims:
            self._forget_gone(victims)
            self._evicted_from_disk.inc(len(victims))

    def _insert(self, entry: Entry) -> None:
        victims = self.memory.insert(entry)
        if victims:
            self._forget_gone(victims)
            metrics.EVICTED.n += len(victims)

    def tell(self) -> None:
        """How much the tiers hold, to the metrics."""
        self._used.set(self.memory.used_bytes)
        metrics.PINNED_BYTES.set(self.memory.pinned_bytes)
        if self.disk is not None:
            metrics.USED_BYTES.labels("disk").set(self.disk.used_bytes)

    def _forget_gone(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._forget_if_gone(StorageKey(key))

    def _forget_if_gone(self, key: StorageKey) -> None:
        if key not in self.memory.held and (self.disk is None or not self.disk.may_hold(key)):
            self._listing.remove(key)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
