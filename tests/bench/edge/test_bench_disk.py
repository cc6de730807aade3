"""The disk tier with 100,000 objects: start, memory, writes, reads, the scrub, and purges of everything.

Each part runs in a process of its own, so that its memory is its own. `longest pause` is the event loop's.
"""

import asyncio
import gc
import hashlib
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from edge.cache import metrics
from edge.cache.disk import DiskTier
from edge.cache.entry import Entry
from edge.cache.memory import MemoryTier
from edge.cache.settings import MIB, CacheLimits
from edge.cache.tags import Purge
from edge.cache.tiered import TieredCache
from shared.clock import SystemClock
from tests.bench import report
from tests.edge_cache_builders import make_entry
from tests.origins import EdgeProcess
from tests.waiting import eventually

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
N_OBJECTS = int(os.environ.get("N_OBJECTS", "100000"))
N_LARGE = 400
N_AT_ONCE = 64
LIMITS = replace(CacheLimits(), memory_bytes=64 * MIB, disk_reserve_bytes=0, disk_scrub_s=0.0)
Row = dict[str, float]


def small(number: int) -> Entry:
    """One of many segments of many videos of some creators."""
    video = f"{number // 12:012x}"
    tags = f"video:{video} creator:{number // 500} all"
    return make_entry(f"/v/{video}/720p/seg-{number % 12:05d}.m4s", bytes(1000), Surrogate_Key=tags)


def large(number: int) -> Entry:
    return make_entry(f"/v/large/{number}", os.urandom(MIB // 4))


def cache(folder: Path, limits: CacheLimits = LIMITS) -> TieredCache:
    return TieredCache(limits, MemoryTier(limits.memory_bytes, SystemClock()), DiskTier(folder, limits))


def rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@asynccontextmanager
async def measured(row: Row, n_done: int) -> AsyncIterator[None]:
    """Seconds, processor time for each of `n_done`, and the loop's longest pause."""
    pauses = [0.0]

    async def watch() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            pauses.append(time.perf_counter() - before)

    watching = asyncio.create_task(watch())
    began, cpu = time.perf_counter(), time.process_time()
    yield
    row["s"] = time.perf_counter() - began
    row["1/s"] = n_done / row["s"]
    row["cpu us each"] = (time.process_time() - cpu) / n_done * 1e6
    watching.cancel()
    row["longest pause ms"] = max(pauses) * 1e3


def groups(n_all: int) -> Iterator[range]:
    return (range(start, min(start + N_AT_ONCE, n_all)) for start in range(0, n_all, N_AT_ONCE))


async def write(folder: Path, make: Callable[[int], Entry], n_objects: int) -> Row:
    row: Row = {}
    tier = DiskTier(folder, LIMITS)
    await tier.open()
    async with measured(row, n_objects):
        for numbers in groups(n_objects):
            await asyncio.gather(*[tier.put(make(number)) for number in numbers])
    await tier.close()
    return row


async def write_small(folder: Path) -> Row:
    return await write(folder, small, N_OBJECTS)


async def write_large(folder: Path) -> Row:
    return await write(folder / "large", large, N_LARGE)


async def start(folder: Path) -> Row:
    """Open both tiers on a full disk."""
    row: Row = {}
    gc.collect()
    before = rss_bytes()
    opened = cache(folder)
    async with measured(row, N_OBJECTS):
        assert await opened.open() == N_OBJECTS
    gc.collect()
    row["RSS bytes each"] = (rss_bytes() - before) / N_OBJECTS
    await opened.close()
    return row


async def start_without_journal(folder: Path) -> Row:
    (folder / "index.journal").unlink()
    return await start(folder)


async def read(folder: Path, make: Callable[[int], Entry], n_objects: int) -> Row:
    row: Row = {}
    tier = DiskTier(folder, LIMITS)
    await tier.open()
    keys = [make(number).key for number in range(n_objects)]
    async with measured(row, n_objects):
        for numbers in groups(n_objects):
            found = await asyncio.gather(*[tier.load(keys[number]) for number in numbers])
            assert None not in found
    await tier.close()
    return row


async def read_small(folder: Path) -> Row:
    return await read(folder, small, N_OBJECTS)


async def read_large(folder: Path) -> Row:
    row = await read(folder / "large", large, N_LARGE)
    return row | {"MB/s": N_LARGE * MIB / 4 / row["s"] / 1e6}


async def scrub(folder: Path) -> Row:
    """As fast as it can."""
    row: Row = {}
    tier = DiskTier(folder / "large", replace(LIMITS, disk_scrub_s=0.001, disk_scrub_bps=10**12))
    n_passes = metrics.SCRUBS._value.get()
    await tier.open()
    async with measured(row, N_LARGE):
        await eventually(lambda: metrics.SCRUBS._value.get() > n_passes, within_s=120)
    await tier.close()
    return row | {"MB/s": N_LARGE * MIB / 4 / row["s"] / 1e6}


async def restart_of_a_process(folder: Path) -> Row:
    """From the start of `python -m edge` to its first answer from the disk, after kill -9."""
    nobody = "http://127.0.0.1:9"
    kept = folder.parent / "edge-alone" / "cache" / hashlib.sha256(nobody.encode()).hexdigest()[:16]
    kept.parent.mkdir(parents=True)
    kept.symlink_to(folder)
    # It was fresh for a minute in 2027: the stored bytes stand in for an origin that is not there.
    process = EdgeProcess(nobody, folder.parent, HEADSTART_EDGE_CACHE_STALE_IF_ERROR_S="1e10")
    took_s = []
    path = small(N_OBJECTS // 2).meta.primary
    for _ in range(5):
        began = time.perf_counter()
        client = await process.start()
        assert (await client.ask(path)).status == 200
        took_s.append(time.perf_counter() - began)
        await process.stop(signal.SIGKILL)
    return {"s": median(took_s)}


async def purge(folder: Path, what: Purge) -> Row:
    row: Row = {}
    opened = cache(folder)
    await opened.open()
    async with measured(row, N_OBJECTS):
        assert await opened.purge(what) == N_OBJECTS
    await opened.close()
    assert not list((folder / "objects").rglob("*.obj"))
    return row


async def purge_tag(folder: Path) -> Row:
    return await purge(folder, Purge(tag="all"))


async def purge_all(folder: Path) -> Row:
    return await purge(folder, Purge())


PARTS: dict[str, Callable[[Path], Coroutine[Any, Any, Row]]] = {
    "write 1 kB": write_small,
    "write 256 KiB": write_large,
    "start": start,
    "start without journal": start_without_journal,
    "start after that": start,
    "process, kill -9, answer": restart_of_a_process,
    "read 1 kB": read_small,
    "read 256 KiB": read_large,
    "scrub 256 KiB": scrub,
}


def measure(name: str, folder: Path) -> Row:
    """One part, in this process."""
    return asyncio.run(({**PARTS, "purge a tag": purge_tag, "purge all": purge_all})[name](folder))


def test_the_disk_tier_holds_100_000_objects(tmp_path: Path) -> None:
    folder = tmp_path / "tier"
    rows: dict[str, Row] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as processes:
        for name in PARTS:
            rows[name] = processes.submit(measure, name, folder).result()
        shutil.rmtree(folder / "large")
        rows["purge a tag"] = processes.submit(measure, "purge a tag", folder).result()
        processes.submit(measure, "write 1 kB", folder).result()
        rows["purge all"] = processes.submit(measure, "purge all", folder).result()

    report.write("edge_disk", rows)
    assert rows["start"]["RSS bytes each"] < 2000
