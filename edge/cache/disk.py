"""The disk tier: which objects the folder holds, within a bound of bytes, verified on every read.

The index is in RAM and small: key, number of the file, size. It is loaded from the journal at start and set
right by what the folder lists. One thread writes, so a deletion that follows a write is done after it; a few
threads read; one cares (see upkeep.py). Every object that is written gets a new number and so a new file.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from edge.cache import journal, metrics
from edge.cache.entry import Entry
from edge.cache.eviction.adaptive import Adaptive
from edge.cache.eviction.policy import Eviction
from edge.cache.files import DiskShort, ObjectFiles
from edge.cache.frame import listed_of
from edge.cache.journal import Listed
from edge.cache.journal_file import JournalFile
from edge.cache.key import StorageKey, video_of
from edge.cache.lane import Lane, given
from edge.cache.settings import CacheLimits
from edge.cache.upkeep import Upkeep
from edge.cache.writing import N_TRIES, Write, blocks

log = logging.getLogger(__name__)
T = TypeVar("T")

MANY_FILES = 64
"""More are deleted behind the answer, with a word in the journal before it."""
SLICE_KEYS = 1000
"""The loop goes on with other work after so many keys."""


class DiskTier:
    """Objects in `folder` within `limit_bytes`. A key is in the index only if its file is complete."""

    def __init__(self, folder: Path, limits: CacheLimits, eviction: Eviction[str] | None = None) -> None:
        self.limit_bytes = limits.disk_bytes
        self.files = ObjectFiles(folder, limits.disk_reserve_bytes, limits.storage())
        self.journal = JournalFile(folder / "index.journal")
        self.on_gone: Callable[[Iterable[str]], None] = lambda keys: None
        """Told what left for another reason than a put or a delete."""
        self.n_reading = 0
        """Reads that a request waits for."""
        self._does_sync = limits.disk_fsync_s == 0
        self._eviction: Eviction[str] = eviction or Adaptive(limits.disk_bytes, video_of)
        self._numbers: dict[str, int] = {}
        self._writing: dict[str, Write] = {}
        self._last_number = 0
        self._leaving: deque[int] = deque()
        """Files that are not needed any more: each write uses one; what is left of them goes soon."""
        self.writer = Lane("disk-write")
        self._readers = ThreadPoolExecutor(limits.disk_readers, thread_name_prefix="disk-read")
        self._upkeep = Upkeep(self, limits)

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, key: str) -> bool:
        return key in self._numbers

    @property
    def used_bytes(self) -> int:
        """Complete files, in whole blocks."""
        return self._eviction.used_bytes

    @property
    def n_writing(self) -> int:
        """Objects on their way to the disk."""
        return len(self._writing)

    def may_hold(self, key: str) -> bool:
        """Whether key is held, or is being written."""
        return key in self._numbers or key in self._writing

    def keys(self) -> list[str]:
        """Every key held or being written."""
        return [*self._numbers, *self._writing]

    def number(self, key: str) -> int | None:
        """The file of key."""
        return self._numbers.get(key)

    async def open(self) -> list[Listed]:
        """Make the folders and load the index; returns what is held, the longest stored first."""
        held, obsolete = await self.run(self.writer, self._load)
        self._upkeep.start(obsolete)
        return held

    async def close(self) -> None:
        """Finish the writes that are queued, and the journal."""
        await self._upkeep.stop()
        await self.tidy()
        await asyncio.to_thread(self.writer.shutdown)
        await asyncio.to_thread(self._readers.shutdown, wait=True, cancel_futures=True)
        self.files.release()

    def _load(self) -> tuple[list[Listed], list[int]]:
        """What is held, and the files that must go. In a thread, before anybody else is here."""
        self.files.prepare()
        replayed = self.journal.load()
        found = journal.beside(replayed, self.files.numbers())
        told = [listed for number in found.unknown if (listed := self.files.told(number)) is not None]
        held, obsolete = journal.latest([*found.listed, *told])
        for key, listed in held.items():
            self._numbers[key] = listed.number
            for victim in self._eviction.admit(key, blocks(listed.file_bytes)):
                obsolete.append(self._numbers.pop(victim))
        self._last_number = max(replayed.last_number, *found.unknown, *found.dropped, 0)
        self._upkeep.note(told)
        return [one for key, one in held.items() if key in self._numbers], [*found.dropped, *obsolete]

    async def load(self, key: StorageKey) -> Entry | None:
        """The verified entry, or None: not held, or no longer intact and therefore deleted."""
        number = self._numbers.get(key)
        if number is None:
            return None
        self.n_reading += 1
        try:
            entry = await self.run(self._readers, lambda: self.files.read(number))
            if entry.key != key:
                raise ValueError("the file belongs to another key")
        except (OSError, ValueError) as exc:
            await self.damaged(key, number, exc)
            return None
        finally:
            self.n_reading -= 1
        if self._numbers.get(key) != number:
            return None  # deleted, or put again, while the file was read
        self._eviction.touch(key)
        return entry

    async def damaged(self, key: str, number: int, error: OSError | ValueError) -> None:
        """Drop a file that cannot be read or is not as it was written."""
        if self._numbers.get(key) != number:
            return  # gone on purpose meanwhile
        reason = "read" if isinstance(error, OSError) else "corrupt"
        if reason == "corrupt":
            metrics.CORRUPT.inc()
        metrics.DISK_ERRORS.labels(reason).inc()
        log.warning("object_dropped", extra={"key": key, "number": number, "reason": str(error)})
        await self.delete(key)

    def put(self, entry: Entry) -> asyncio.Future[list[str]]:
        """Write entry; the keys that left for it. A deletion after this call wins already.

        An older copy is gone at once. What cannot be written is its own victim; the reason is counted.
        """
        key = str(entry.key)
        former = self._writing.get(key)
        if former is not None:
            former.is_wanted = False
        write = self._writing[key] = Write(entry, self.next_number(), self._numbers.pop(key, None))
        victims: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        self._try(write, victims)
        return victims

    def next_number(self) -> int:
        """A number that no file has had."""
        self._last_number += 1
        return self._last_number

    def _try(self, write: Write, victims: asyncio.Future[list[str]]) -> None:
        """Without a task: every miss comes by here."""

        def tried(writing: asyncio.Future[int]) -> None:
            error = writing.exception()
            if isinstance(error, DiskShort) and write.n_tries < N_TRIES:
                self._upkeep.spawn(self._try_again(write, victims, error))
                return
            if error is not None:
                self._count(error, write.entry)
            left = self._settle(write, writing.result() if error is None else 0)
            if not victims.done():
                victims.set_result(left)

        write.n_tries += 1
        self.writer.do(lambda: self._write(write)).add_done_callback(tried)

    async def _try_again(self, write: Write, victims: asyncio.Future[list[str]], short: DiskShort) -> None:
        if not await self.shrink(short.missing_bytes << write.n_tries - 1):
            write.n_tries = N_TRIES - 1  # there is nothing that could go: once more, and no further
        self._try(write, victims)

    def _count(self, error: BaseException, entry: Entry) -> None:
        reason = "full" if isinstance(error, DiskShort) else "write" if isinstance(error, OSError) else "head"
        metrics.DISK_ERRORS.labels(reason).inc()
        log.debug("object_not_written", extra={"key": entry.key, "reason": str(error)})

    def _settle(self, write: Write, file_bytes: int) -> list[str]:
        """The write is over, with a file of this length; 0: without one. Returns the keys that leave."""
        if write.replaces is not None:
            self._leaving.append(write.replaces)
        if not write.is_wanted:  # deleted, or put again, while it was on its way
            self._leaving.append(write.number)
            return []
        key = str(write.entry.key)
        del self._writing[key]
        if not file_bytes:
            self._eviction.remove(key)
            return [key]
        self._numbers[key] = write.number
        self._upkeep.note([listed_of(write.entry, write.number, file_bytes)])
        victims = self._eviction.admit(key, blocks(file_bytes))
        self._leaving += self._forget(victims)
        return victims

    async def tidy(self) -> None:
        """Delete the files that no write has used."""
        if self._leaving:
            await self.run(self.writer, self._remove_leaving)

    def _remove_leaving(self, n_kept: int = 0) -> None:
        """In the writer's thread."""
        while len(self._leaving) > n_kept:
            self.files.remove([self._leaving.popleft()])

    def _write(self, write: Write) -> int:
        """In the writer's thread: the length of the file, 0 when it is not wanted any more."""
        former = self._leaving.popleft() if self._leaving else None
        self._remove_leaving(MANY_FILES)
        return self.files.write(write, former, syncs=self._does_sync)

    async def shrink(self, n_bytes: int) -> int:
        """Make so many bytes free, as far as there are any; returns how many objects left."""
        target_bytes = max(0, self.used_bytes - n_bytes)
        victims = self._eviction.resize(target_bytes)
        self._eviction.resize(self.limit_bytes)
        await self.remove(self._forget(victims))
        metrics.EVICTIONS.labels("disk").inc(len(victims))
        self.on_gone(victims)
        return len(victims)

    async def delete(self, key: str) -> bool:
        """Drop key, also one that is just being written; whether it was there. No file is left after it."""
        return await self.delete_all([key]) > 0

    async def delete_all(self, keys: Iterable[str]) -> int:
        """Drop these keys, as `delete`; returns how many were there. Many files go behind the answer."""
        n_gone, numbers = 0, []
        for place, key in enumerate(keys, 1):
            found = self._forget([key], withdraws=True)
            n_gone += bool(found)
            numbers += found
            self._eviction.remove(key)
            if place % SLICE_KEYS == 0:
                await asyncio.sleep(0)
        await self.remove(numbers)
        return n_gone

    def _forget(self, keys: Iterable[str], *, withdraws: bool = False) -> list[int]:
        """Take keys from the index, with `withdraws` also from what is being written; returns their files."""
        numbers = [number for key in keys if (number := self._numbers.pop(key, None)) is not None]
        for key in keys if withdraws else ():
            write = self._writing.pop(key, None)
            if write is not None:
                write.is_wanted = False
                numbers += [write.number] if write.replaces is None else [write.number, write.replaces]
        return numbers

    def clear(self) -> Coroutine[Any, Any, int]:
        """Drop everything, out of reach when this call returns, by one rename; await how many objects."""
        keys = self.keys()
        self._forget(self._writing.copy(), withdraws=True)
        self._numbers = {}
        self._upkeep.forget()
        name = self.next_number()
        # Given now: before the writes of what is put after this call.
        return self._cleared(keys, self.writer.do(lambda: self.files.remove_all(name)))

    async def _cleared(self, keys: list[str], renamed: asyncio.Future[None]) -> int:
        await asyncio.shield(renamed)
        self._upkeep.spawn(self._empty(keys))
        return len(keys)

    async def _empty(self, keys: list[str]) -> None:
        """What `clear` leaves for later: the order of eviction, and the files."""
        for place, key in enumerate(keys, 1):
            if not self.may_hold(key):
                self._eviction.remove(key)
            if place % SLICE_KEYS == 0:
                await asyncio.sleep(0)
        await self.run(self._upkeep.thread, self.files.empty_gone)

    async def remove(self, numbers: list[int]) -> None:
        """Delete files; many are only noted as deleted before this returns."""
        if len(numbers) > MANY_FILES:
            await self._upkeep.remove_later(numbers)
        else:
            self._leaving += numbers
        await self.tidy()  # also what left before: nothing older is to come back

    async def run(self, pool: ThreadPoolExecutor | Lane, work: Callable[[], T]) -> T:
        """What `work` returns; the caller's cancel must not leave the index behind what the thread does."""
        return await asyncio.shield(given(pool, work))
