"""The disk tier: one file an object, written beside and renamed, verified on every read.

The index is rebuilt at start from the files' own heads; a file that is torn, foreign or over the bound is
deleted. One thread writes, so a deletion that follows a write is also done after it; a few threads read.
"""

import asyncio
import hashlib
import logging
import os
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from edge.cache import metrics
from edge.cache.entry import Entry, Meta
from edge.cache.eviction import Eviction, S3Fifo
from edge.cache.frame import PREFIX_BYTES, framed, read_file, read_head, read_prefix
from edge.cache.key import StorageKey
from edge.cache.settings import CacheLimits

log = logging.getLogger(__name__)
T = TypeVar("T")

BLOCK_BYTES = 4096
"""A file counts as whole blocks, as the file system does."""


class Found(NamedTuple):
    """A stored object that the scan at start found."""

    meta: Meta
    file_bytes: int


class DiskTier:
    """Objects in `folder` within `limit_bytes`. A key is in the index if and only if its file is complete."""

    def __init__(self, folder: Path, limits: CacheLimits, eviction: Eviction[str] | None = None) -> None:
        self._folder = folder
        self._storage = limits.storage()
        self._does_fsync = limits.disk_fsync
        self.limit_bytes = limits.disk_bytes
        self._eviction: Eviction[str] = eviction or S3Fifo(limits.disk_bytes)
        self._writing: dict[str, object] = {}
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="disk-write")
        self._readers = ThreadPoolExecutor(limits.disk_readers, thread_name_prefix="disk-read")
        self._n_temporary = 0

    @property
    def used_bytes(self) -> int:
        """Complete files, in whole blocks."""
        return self._eviction.used_bytes

    def __len__(self) -> int:
        return len(self._eviction)

    def __contains__(self, key: str) -> bool:
        return key in self._eviction

    @property
    def n_writing(self) -> int:
        """Objects on their way to the disk."""
        return len(self._writing)

    def may_hold(self, key: str) -> bool:
        """Whether key is held, or is being written."""
        return key in self._eviction or key in self._writing

    def keys(self) -> list[str]:
        """Every key held or being written."""
        return [*self._eviction.keys(), *(key for key in self._writing if key not in self._eviction)]

    async def open(self) -> list[Meta]:
        """Make the folders and rebuild the index; returns what is held, the longest stored first."""
        found = await self._run(self._writer, self._scan)
        found.sort(key=lambda item: item.meta.times.response_ms)
        held = {}
        for meta, file_bytes in found:
            key = str(meta.key)
            held[key] = meta
            victims = self._eviction.admit(key, _blocks(file_bytes))
            await self._unlink(victims)
            for victim in victims:
                held.pop(victim, None)
        return list(held.values())

    async def close(self) -> None:
        """Finish the writes that are queued."""
        await asyncio.to_thread(self._writer.shutdown, wait=True)
        await asyncio.to_thread(self._readers.shutdown, wait=True, cancel_futures=True)

    async def load(self, key: StorageKey) -> Entry | None:
        """The verified entry, or None: not held, or no longer intact and therefore deleted."""
        if key not in self:
            return None
        try:
            entry = await self._run(self._readers, lambda: self._read(key))
        except OSError as exc:
            log.warning("object_unreadable", extra={"key": key, "reason": str(exc)})
            await self._drop(key, "read")
            return None
        except ValueError as exc:
            metrics.CORRUPT.inc()
            log.warning("object_corrupt", extra={"key": key, "reason": str(exc)})
            await self._drop(key, "corrupt")
            return None
        self._eviction.touch(key)
        return entry

    def put(self, entry: Entry) -> Coroutine[Any, Any, list[str]]:
        """Write entry and return the keys that left for it; a deletion after this call wins already.

        An object that cannot be written is not held and its own victim; the reason is counted.
        """
        token = self._writing[str(entry.key)] = object()
        return self._put(entry, token)

    async def _put(self, entry: Entry, token: object) -> list[str]:
        key = str(entry.key)
        if self._writing.get(key) is not token:
            return []  # deleted, or put again, before the write began
        try:
            file_bytes = await self._run(self._writer, lambda: self._write(entry))
        except (OSError, ValueError) as exc:
            metrics.DISK_ERRORS.labels("full" if isinstance(exc, OSError) else "head").inc()
            log.warning("object_not_written", extra={"key": key, "reason": str(exc)})
            await self._drop(key, "write")
            return [key]
        finally:
            is_current = self._writing.get(key) is token
            if is_current:
                del self._writing[key]
        if not is_current:
            return []  # deleted, or written again, while the file was on its way
        victims = self._eviction.admit(key, _blocks(file_bytes))
        # A victim that is being written again keeps its file: its own put decides next.
        await self._unlink([victim for victim in victims if victim not in self._writing])
        return victims

    async def delete(self, key: str) -> bool:
        """Drop key, also one that is just being written; whether it was there."""
        was_there = key in self or key in self._writing
        self._writing.pop(key, None)
        self._eviction.remove(key)
        if was_there:
            await self._unlink([key])
        return was_there

    async def _drop(self, key: str, reason: str) -> None:
        metrics.DISK_ERRORS.labels(reason).inc()
        await self.delete(key)

    async def _unlink(self, keys: list[str]) -> None:
        if keys:
            await self._run(self._writer, lambda: self._remove_files(keys))

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        # Shielded: a cancelled caller must not leave the index behind what the thread does.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(pool, work))

    # Below: in a thread.

    def _path(self, key: str) -> Path:
        name = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        return self._folder / name[:2] / f"{name[2:]}.obj"

    def _remove_files(self, keys: list[str]) -> None:
        for key in keys:
            self._path(key).unlink(missing_ok=True)

    def _read(self, key: str) -> Entry:
        entry = read_file(self._path(key).read_bytes(), self._storage)
        if entry.key != key:
            raise ValueError("the file belongs to another key")
        return entry

    def _write(self, entry: Entry) -> int:
        head, body = framed(entry)
        self._n_temporary += 1
        temporary = self._folder / "tmp" / f"{self._n_temporary}.tmp"
        try:
            with temporary.open("wb") as file:
                file.write(head)
                file.write(body)
                if self._does_fsync:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(self._path(entry.key))
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        return len(head) + len(body)

    def _scan(self) -> list[Found]:
        (self._folder / "tmp").mkdir(parents=True, exist_ok=True)
        for leftover in (self._folder / "tmp").iterdir():
            leftover.unlink()
        found: list[Found] = []
        for shard in range(256):
            folder = self._folder / f"{shard:02x}"
            folder.mkdir(exist_ok=True)
            found.extend(self._scan_shard(folder))
        return found

    def _scan_shard(self, folder: Path) -> Iterator[Found]:
        with os.scandir(folder) as files:
            for item in files:
                path, file_bytes = Path(item.path), item.stat().st_size
                try:
                    meta = self._read_meta(path, file_bytes)
                except ValueError as exc:
                    metrics.CORRUPT.inc()
                    log.warning("file_dropped", extra={"file": item.name, "reason": str(exc)})
                    path.unlink(missing_ok=True)
                else:
                    yield Found(meta, file_bytes)

    def _read_meta(self, path: Path, file_bytes: int) -> Meta:
        with path.open("rb") as file:
            prefix = read_prefix(file.read(PREFIX_BYTES))
            meta = read_head(prefix, file.read(prefix.head_bytes), self._storage)
        if file_bytes != PREFIX_BYTES + prefix.head_bytes + meta.size_bytes:
            raise ValueError(f"has {file_bytes} bytes: torn")
        if self._path(meta.key) != path:
            raise ValueError("the file belongs to another key")
        return meta


def _blocks(n_bytes: int) -> int:
    return -(-n_bytes // BLOCK_BYTES) * BLOCK_BYTES
