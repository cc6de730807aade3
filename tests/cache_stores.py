"""RAM, disk, and both together under one protocol: what the contract of a tier is asked of."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from edge.cache.disk import DiskTier
from edge.cache.entry import Entry
from edge.cache.memory import MemoryTier
from edge.cache.settings import MIB, CacheLimits
from edge.cache.tags import Purge
from edge.cache.tiered import TieredCache
from tests.edge_cache_builders import FakeClock, headers, make_entry
from tests.waiting import eventually

LIMIT = 64 * 1024
LIMITS = replace(CacheLimits(), memory_bytes=MIB, disk_bytes=LIMIT)
BODY = b"x" * 8000


class Store(Protocol):
    """The part of a tier that all have."""

    async def put(self, entry: Entry) -> None: ...
    async def get(self, key: str) -> Entry | None: ...
    async def delete(self, key: str) -> bool: ...
    def used_bytes(self) -> int: ...


class MemoryStore:
    """The RAM tier through its aiocache interface."""

    def __init__(self) -> None:
        self.tier = MemoryTier(LIMIT, FakeClock())

    async def put(self, entry: Entry) -> None:
        await self.tier.set(entry.key, entry)

    async def get(self, key: str) -> Entry | None:
        found: Entry | None = await self.tier.get(key)
        return found

    async def delete(self, key: str) -> bool:
        return bool(await self.tier.delete(key))

    def used_bytes(self) -> int:
        return self.tier.used_bytes


class DiskStore:
    """The disk tier alone."""

    def __init__(self, tier: DiskTier) -> None:
        self.tier = tier

    async def put(self, entry: Entry) -> None:
        await self.tier.put(entry)

    async def get(self, key: str) -> Entry | None:
        return await self.tier.load(make_entry(key).key)

    async def delete(self, key: str) -> bool:
        return await self.tier.delete(key)

    def used_bytes(self) -> int:
        return self.tier.used_bytes


class BothStore:
    """Both tiers, RAM as small as the bound."""

    def __init__(self, cache: TieredCache) -> None:
        self.cache = cache

    async def put(self, entry: Entry) -> None:
        assert self.cache.store(entry, self.cache.revision)
        await eventually(lambda: not self.cache.pending_bytes)

    async def get(self, key: str) -> Entry | None:
        hit = await self.cache.find(make_entry(key).meta.primary, headers())
        return hit.hot.entry if hit else None

    async def delete(self, key: str) -> bool:
        return await self.cache.purge(Purge(primary=make_entry(key).meta.primary)) > 0

    def used_bytes(self) -> int:
        assert self.cache.disk is not None
        return max(self.cache.memory.used_bytes, self.cache.disk.used_bytes)


async def open_memory(_: Path) -> tuple[Store, Callable[[], Awaitable[None]]]:
    async def nothing() -> None:
        pass

    return MemoryStore(), nothing


async def open_disk(folder: Path) -> tuple[Store, Callable[[], Awaitable[None]]]:
    tier = DiskTier(folder, LIMITS)
    await tier.open()
    return DiskStore(tier), tier.close


async def open_both(folder: Path) -> tuple[Store, Callable[[], Awaitable[None]]]:
    cache = TieredCache(LIMITS, MemoryTier(LIMIT, FakeClock()), DiskTier(folder, LIMITS))
    await cache.open()
    return BothStore(cache), cache.close
