"""Both tiers against a naive twin: stores, purges of all sorts, losses of RAM and restarts, in any order."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.cache.disk import DiskTier
from edge.cache.key import primary_key
from edge.cache.marks import SavedMarks
from edge.cache.memory import MemoryTier
from edge.cache.settings import CacheLimits
from edge.cache.tags import Purge
from edge.cache.tiered import TieredCache
from tests.edge_cache_builders import NOW_MS, FakeClock, headers, make_entry
from tests.waiting import eventually

LIMITS = CacheLimits(memory_bytes=1024 * 1024, disk_bytes=16 * 1024**2)
URLS = ("/v/1/a", "/v/1/b", "/v/10/a", "/c")
TAGS = {
    "/v/1/a": ("video:1", "creator:ann"),
    "/v/1/b": ("video:1",),
    "/v/10/a": ("video:10", "creator:ann"),
    "/c": (),
}
NAMES = ("video:1", "video:10", "video:", "creator:ann", "creator:an")


class Store(NamedTuple):
    url: str


class LoseRam(NamedTuple):
    url: str


class Restart(NamedTuple):
    pass


PURGES = st.builds(
    lambda target, is_soft: Purge(target[0], target[1], is_soft),
    st.one_of(
        st.tuples(st.sampled_from([primary_key(url) for url in URLS]), st.none()),
        st.tuples(st.none(), st.sampled_from(NAMES)),
        st.just((None, None)),
    ),
    st.booleans(),
)
STEPS = st.one_of(
    st.builds(Store, st.sampled_from(URLS)),
    st.builds(Store, st.sampled_from(URLS)),
    st.builds(LoseRam, st.sampled_from(URLS)),
    st.builds(Restart),
    PURGES,
)


async def opened(folder: Path, marks: SavedMarks) -> TieredCache:
    cache = TieredCache(LIMITS, MemoryTier(LIMITS.memory_bytes, FakeClock()), DiskTier(folder, LIMITS))
    cache.marks.restore(marks)
    await cache.open()
    return cache


async def shown(cache: TieredCache) -> dict[str, bool]:
    """What a request finds, and whether it is fresh."""
    found = {url: await cache.find(primary_key(url), headers()) for url in URLS}
    return {url: not hit.hot.entry.meta.policy.is_purged for url, hit in found.items() if hit is not None}


def named(twin: dict[str, bool], purge: Purge) -> list[str]:
    if purge.primary:
        return [url for url in twin if url == purge.primary]
    return [url for url in twin if purge.tag is None or purge.tag in TAGS[url]]


async def play(folder: Path, steps: list[Store | LoseRam | Restart | Purge]) -> None:
    cache, twin = await opened(folder, SavedMarks()), dict[str, bool]()
    for now_ms, step in enumerate(steps, NOW_MS):
        match step:
            case Store(url):
                entry = make_entry(url, url.encode(), at_ms=now_ms, Surrogate_Key=" ".join(TAGS[url]))
                assert cache.store(entry, cache.revision)
                twin[url] = True
            case LoseRam(url):
                cache.memory.remove(url)
            case Restart():
                await cache.close()
                cache = await opened(folder, cache.marks.saved())
            case Purge():
                urls = named(twin, step)
                assert await cache.purge(replace(step, at_ms=now_ms)) == len(urls)
                twin |= dict.fromkeys(urls, False)
                twin = twin if step.is_soft else {url: twin[url] for url in twin if url not in urls}
        disk = cache.disk
        assert disk is not None
        await eventually(lambda disk=disk: not disk.n_writing)
        assert await shown(cache) == twin, step
    await cache.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=14))
def test_both_tiers_show_what_a_naive_twin_shows(steps: list[Store | LoseRam | Restart | Purge]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), steps))
