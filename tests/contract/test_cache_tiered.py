"""RAM over disk as one cache: promotion, purges, variants, large objects, restarts."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.cache.disk import DiskTier
from edge.cache.memory import MemoryTier
from edge.cache.settings import MIB, CacheLimits
from edge.cache.tags import Purge
from edge.cache.tiered import Tier, TieredCache
from tests.cache_stores import BODY, LIMIT, LIMITS, BothStore
from tests.edge_cache_builders import FakeClock, headers, make_entry
from tests.waiting import eventually


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TieredCache]:
    cache = TieredCache(LIMITS, MemoryTier(LIMIT, FakeClock()), DiskTier(tmp_path, LIMITS))
    await cache.open()
    yield cache
    await cache.close()


async def test_an_object_that_left_ram_is_promoted_from_disk(both: TieredCache) -> None:
    entry = make_entry("/a", BODY)
    await BothStore(both).put(entry)
    both.memory.remove("/a")

    first = await both.find(entry.meta.primary, headers())
    second = await both.find(entry.meta.primary, headers())

    assert first is not None and first.tier is Tier.DISK and first.hot.entry == entry
    assert second is not None and second.tier is Tier.MEMORY


async def test_a_purge_by_tag_spares_the_tag_that_begins_alike(both: TieredCache) -> None:
    await BothStore(both).put(make_entry("/1", Surrogate_Key="video:1"))
    await BothStore(both).put(make_entry("/10", Surrogate_Key="video:10"))

    assert await both.purge(Purge(tag="video:1")) == 1
    assert await BothStore(both).get("/1") is None
    assert await BothStore(both).get("/10") is not None


async def test_a_purge_of_all_empties_both_tiers(both: TieredCache) -> None:
    for number in range(3):
        await BothStore(both).put(make_entry(f"/{number}"))

    assert await both.purge(Purge()) == 3
    assert both.disk is not None and len(both.memory) == len(both.disk) == 0


async def test_a_fill_that_began_before_a_purge_is_not_stored(both: TieredCache) -> None:
    before = both.revision
    await both.purge(Purge(tag="video:1"))

    assert not both.store(make_entry("/1", Surrogate_Key="video:1"), before)
    assert both.store(make_entry("/10", Surrogate_Key="video:10"), before)


async def test_a_purge_during_a_write_leaves_no_file(both: TieredCache, tmp_path: Path) -> None:
    both.store(make_entry("/a"), both.revision)

    await both.purge(Purge(primary=make_entry("/a").meta.primary))

    disk = both.disk
    assert disk is not None
    await eventually(lambda: not disk.n_writing)
    assert not list(tmp_path.rglob("*.obj"))


async def test_each_variant_answers_its_own_requests(both: TieredCache) -> None:
    gzip, plain = headers(Accept_Encoding="gzip"), headers()
    for request, body in ((gzip, b"zipped"), (plain, b"plain")):
        await BothStore(both).put(make_entry("/a", body, request=request, Vary="Accept-Encoding"))

    primary = make_entry("/a").meta.primary
    found = [await both.find(primary, request) for request in (gzip, plain)]

    assert [hit.hot.entry.body for hit in found if hit] == [b"zipped", b"plain"]
    assert await both.find(primary, headers(Accept_Encoding="br")) is None


ROOMY = replace(CacheLimits(), memory_bytes=64 * MIB, disk_bytes=64 * MIB)


@pytest.fixture
async def roomy(tmp_path: Path) -> AsyncIterator[TieredCache]:
    cache = TieredCache(ROOMY, MemoryTier(ROOMY.memory_bytes, FakeClock()), DiskTier(tmp_path, ROOMY))
    await cache.open()
    yield cache
    await cache.close()


FILM = make_entry("/film", bytes(5 * MIB))


async def test_a_large_object_goes_to_disk_and_enters_ram_when_it_is_asked_for_again(
    roomy: TieredCache,
) -> None:
    await BothStore(roomy).put(FILM)
    assert FILM.key not in roomy.memory

    first = await roomy.find(FILM.meta.primary, headers())
    second = await roomy.find(FILM.meta.primary, headers())

    assert first is not None and first.tier is Tier.DISK and first.hot.entry == FILM
    assert second is not None and second.tier is Tier.MEMORY


async def test_a_large_object_is_there_while_it_is_being_written(roomy: TieredCache) -> None:
    assert roomy.store(FILM, roomy.revision)
    assert FILM.key not in roomy.memory

    found = await roomy.find(FILM.meta.primary, headers())

    assert found is not None and found.tier is Tier.MEMORY
    assert FILM.key in roomy.memory


async def test_a_purge_covers_a_large_object_that_is_being_written(roomy: TieredCache) -> None:
    roomy.store(FILM, roomy.revision)

    await roomy.purge(Purge(primary=FILM.meta.primary))

    assert await roomy.find(FILM.meta.primary, headers()) is None


async def test_a_large_object_that_a_session_needs_enters_ram_at_once(roomy: TieredCache) -> None:
    roomy.pin(FILM.meta.primary, 1)

    roomy.store(FILM, roomy.revision)

    assert FILM.key in roomy.memory


async def test_a_new_version_of_what_ram_holds_takes_its_place_there(roomy: TieredCache) -> None:
    roomy.expect(FILM.meta.primary)
    roomy.store(FILM, roomy.revision)
    newer = make_entry("/film", bytes(6 * MIB), ETag='"two"')

    roomy.store(newer, roomy.revision)

    found = roomy.lookup(FILM.meta.primary, headers())
    assert found is not None and found.entry == newer


async def test_without_a_disk_a_large_object_enters_ram_at_once() -> None:
    cache = TieredCache(ROOMY, MemoryTier(ROOMY.memory_bytes, FakeClock()), None)

    cache.store(FILM, cache.revision)

    assert FILM.key in cache.memory


async def restarted(cache: TieredCache, folder: Path) -> TieredCache:
    await cache.close()
    again = TieredCache(LIMITS, MemoryTier(LIMIT, FakeClock()), DiskTier(folder, LIMITS))
    await again.open()
    return again


async def test_after_a_restart_tags_and_languages_are_known_from_the_index(tmp_path: Path) -> None:
    cache = await restarted(TieredCache(LIMITS, MemoryTier(LIMIT, FakeClock()), None), tmp_path)
    german = headers(Accept_Language="de")
    entry = make_entry(
        "/a", request=german, Vary="Accept-Language", Content_Language="de", Surrogate_Key="video:1"
    )
    await BothStore(cache).put(entry)

    again = await restarted(cache, tmp_path)

    assert await again.find(entry.meta.primary, headers(Accept_Language="de, en;q=0.5"))
    assert await again.purge(Purge(tag="video:1")) == 1
    assert await again.find(entry.meta.primary, german) is None
    await again.close()


async def test_a_variant_that_a_later_answer_replaced_does_not_come_back(tmp_path: Path) -> None:
    cache = await restarted(TieredCache(LIMITS, MemoryTier(LIMIT, FakeClock()), None), tmp_path)
    zipped = make_entry("/a", b"old", request=headers(Accept_Encoding="gzip"), Vary="Accept-Encoding")
    assert cache.disk is not None
    await cache.disk.put(zipped)
    await cache.disk.put(make_entry("/a", b"new"))

    for _ in range(2):
        cache = await restarted(cache, tmp_path)
        assert cache.disk is not None and len(cache.disk) <= 1
        await cache.purge(Purge(primary=zipped.meta.primary))

    assert await cache.find(zipped.meta.primary, headers(Accept_Encoding="gzip")) is None
    await cache.close()


async def test_a_purge_of_all_lets_no_promotion_bring_an_object_back(both: TieredCache) -> None:
    for number in range(5):
        await BothStore(both).put(make_entry(f"/{number}", BODY))
    both.memory.remove("/0")
    primary = make_entry("/0").meta.primary

    promoting = asyncio.create_task(both.find(primary, headers()))
    await asyncio.sleep(0)
    purging = asyncio.create_task(both.purge(Purge()))
    await asyncio.sleep(0)
    found = await asyncio.gather(*(both.find(primary, headers()) for _ in range(3)))

    assert await purging == 5 and found == [None] * 3
    await promoting
    assert await both.find(primary, headers()) is None and len(both.memory) == 0


async def test_what_is_stored_while_everything_is_purged_stays(both: TieredCache) -> None:
    await BothStore(both).put(make_entry("/0", b"old"))
    purging = asyncio.create_task(both.purge(Purge()))
    await asyncio.sleep(0)

    await BothStore(both).put(make_entry("/0", b"new"))
    await purging

    assert both.disk is not None and "/0" in both.disk and "/0" in both.memory
    found = await both.disk.load(make_entry("/0").key)
    assert found is not None and found.body == b"new"
