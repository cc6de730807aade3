"""What the disk tier does behind the requests: journal, grouped flushes, room on the file system, scrub.

Everything here may be late, or not happen at all before a kill: the next start reads from the files what the
journal does not say.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from edge.cache import metrics
from edge.cache.files import ObjectFiles
from edge.cache.journal import Listed
from edge.cache.journal_file import JournalFile
from edge.cache.lane import Lane
from edge.cache.pace import Pace
from edge.cache.settings import CacheLimits

log = logging.getLogger(__name__)
T = TypeVar("T")

TICK_S = 1.0
"""Journal and free space are looked after this often."""
SCRUB_TICK_S = 0.25
MIN_DEAD_RECORDS = 4096
"""The journal is compacted when it has more dead records than live ones, and at least so many."""


class Tended(Protocol):
    """The part of the disk tier that is needed here."""

    files: ObjectFiles
    journal: JournalFile
    writer: Lane
    n_reading: int

    @property
    def used_bytes(self) -> int: ...
    def __len__(self) -> int: ...
    def keys(self) -> list[str]: ...
    def number(self, key: str) -> int | None: ...
    async def shrink(self, n_bytes: int) -> int: ...
    async def tidy(self) -> None: ...
    async def damaged(self, key: str, number: int, error: OSError | ValueError) -> None: ...
    async def run(self, pool: ThreadPoolExecutor | Lane, work: Callable[[], T]) -> T: ...


class Upkeep:
    """The background of one tier. `start` it when the index is loaded."""

    def __init__(self, tier: Tended, limits: CacheLimits) -> None:
        self._tier = tier
        self._sync_s = limits.disk_fsync_s
        self._scrubs = limits.disk_scrub_s > 0
        self._pace = Pace(limits.disk_scrub_s, limits.disk_scrub_bps)
        self._unlogged: list[Listed] = []
        self._unsynced: list[int] = []
        self._n_removing = 0
        self._loops: list[asyncio.Task[None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.thread = ThreadPoolExecutor(2, thread_name_prefix="disk-care")

    def start(self, obsolete: list[int]) -> None:
        """Begin; `obsolete` files are deleted first."""
        self._loops.append(self.spawn(self._tick_forever()))
        if self._scrubs:
            self._loops.append(self.spawn(self._scrub_forever()))
        if self._sync_s > 0:
            self._loops.append(self.spawn(self._sync_forever()))
        self.spawn(self._remove(obsolete))
        self.spawn(self._tier.run(self.thread, self._tier.files.empty_gone))

    async def stop(self) -> None:
        """End the loops and finish what is under way; the journal then knows everything."""
        for loop in self._loops:
            loop.cancel()
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._write_journal()
        await self._sync()
        await asyncio.to_thread(self.thread.shutdown, wait=True)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run in the background; a failure is told."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("disk_upkeep_failed", extra={"reason": repr(error)})

    def note(self, listed: list[Listed]) -> None:
        """These objects are stored now."""
        self._unlogged += listed
        if self._sync_s > 0:
            self._unsynced += [record.number for record in listed]

    def forget(self) -> None:
        """Nothing that was noted is there any more."""
        self._unlogged, self._unsynced = [], []

    async def remove_later(self, numbers: list[int]) -> None:
        """Record that these files are deleted, and delete them behind the answer."""
        tier, syncs = self._tier, self._sync_s >= 0
        try:
            await tier.run(tier.writer, lambda: tier.journal.append([], numbers, syncs=syncs))
        except OSError:
            await tier.run(tier.writer, lambda: tier.files.remove(numbers))
        else:
            self.spawn(self._remove(numbers))

    async def _remove(self, numbers: list[int]) -> None:
        self._n_removing += 1
        try:
            await self._tier.run(self.thread, lambda: self._tier.files.remove(numbers))
        finally:
            self._n_removing -= 1

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            await self._tier.tidy()
            await self._write_journal()
            await self._make_room()
            await self._compact()

    @asynccontextmanager
    async def _counted(self, reason: str) -> AsyncIterator[None]:
        """A disk that fails is counted and told; the next round tries again."""
        try:
            yield
        except OSError as exc:
            metrics.DISK_ERRORS.labels(reason).inc()
            log.warning("disk_upkeep_failed", extra={"part": reason, "reason": str(exc)})

    async def _write_journal(self) -> None:
        listed, self._unlogged = self._unlogged, []
        if not listed:
            return
        tier = self._tier
        async with self._counted("journal"):
            await tier.run(tier.writer, lambda: tier.journal.append(listed, [], syncs=False))

    async def _make_room(self) -> None:
        missing_bytes = 0
        async with self._counted("space"):
            missing_bytes = self._tier.files.shortage_bytes()
        if missing_bytes > 0 and len(self._tier):
            n_gone = await self._tier.shrink(missing_bytes)
            log.info("disk_trimmed", extra={"missing_bytes": missing_bytes, "objects": n_gone})

    async def _compact(self) -> None:
        tier, n_held = self._tier, len(self._tier)
        if self._n_removing or tier.journal.n_records - n_held <= max(n_held, MIN_DEAD_RECORDS):
            return
        async with self._counted("journal"):
            n_read = await tier.run(self.thread, lambda: tier.journal.compact(self._is_held))
            await tier.run(tier.writer, lambda: tier.journal.swap(n_read, n_held))

    def _is_held(self, record: Listed) -> bool:
        return self._tier.number(record.key) == record.number

    async def _sync_forever(self) -> None:
        while True:
            await asyncio.sleep(self._sync_s)
            await self._sync()

    async def _sync(self) -> None:
        numbers, self._unsynced = self._unsynced, []
        async with self._counted("sync"):
            await self._tier.run(self.thread, lambda: self._tier.files.sync(numbers))

    async def _scrub_forever(self) -> None:
        while True:
            for key in self._tier.keys():  # noqa: SIM118 - a copy: it changes meanwhile
                while not self._may_scrub():
                    await asyncio.sleep(SCRUB_TICK_S)
                    self._pace.advance(SCRUB_TICK_S, self._tier.used_bytes)
                await self._scrub(key)
            metrics.SCRUBS.inc()
            await asyncio.sleep(SCRUB_TICK_S)

    def _may_scrub(self) -> bool:
        return self._pace.may_go() and not self._tier.n_reading

    async def _scrub(self, key: str) -> None:
        """Verify one file as a read would; a damaged one goes, and the next request fetches it again."""
        number = self._tier.number(key)
        if number is None:
            return
        try:
            listed = await self._tier.run(self.thread, lambda: self._tier.files.verify(number))
            if listed.key != key:
                raise ValueError("the file belongs to another key")
        except (OSError, ValueError) as exc:
            await self._tier.damaged(key, number, exc)
        else:
            self._pace.spend(listed.file_bytes)
            metrics.SCRUBBED_BYTES.inc(listed.file_bytes)
