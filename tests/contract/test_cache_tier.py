"""What every tier promises: RAM, disk, and both together; and aiocache's own interface."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.cache.memory import MemoryTier, weight_bytes
from tests.cache_stores import BODY, LIMIT, Store, open_both, open_disk, open_memory
from tests.edge_cache_builders import FakeClock, make_entry


@pytest.fixture(params=[open_memory, open_disk, open_both], ids=["memory", "disk", "both"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened, close = await request.param(tmp_path)
    yield opened
    await close()


async def test_what_was_put_is_got(store: Store) -> None:
    entry = make_entry("/a", BODY, Surrogate_Key="video:1")

    await store.put(entry)

    assert await store.get("/a") == entry


async def test_what_was_not_put_is_not_got(store: Store) -> None:
    assert await store.get("/a") is None


async def test_the_latest_put_counts(store: Store) -> None:
    await store.put(make_entry("/a", b"old"))

    await store.put(make_entry("/a", b"new"))

    found = await store.get("/a")
    assert found is not None and found.body == b"new"


async def test_a_deleted_object_is_gone(store: Store) -> None:
    await store.put(make_entry("/a"))

    assert await store.delete("/a")
    assert await store.get("/a") is None
    assert not await store.delete("/a")


async def test_the_bound_holds_after_every_put(store: Store) -> None:
    for number in range(40):
        await store.put(make_entry(f"/{number}", BODY))
        assert store.used_bytes() <= LIMIT

    assert [n for n in range(40) if await store.get(f"/{n}")]


async def test_an_object_over_the_bound_is_not_held_and_drops_nothing_else(store: Store) -> None:
    await store.put(make_entry("/small"))

    await store.put(make_entry("/huge", b"x" * (LIMIT + 1)))

    assert await store.get("/huge") is None
    assert await store.get("/small") is not None


@pytest.fixture
def tier() -> MemoryTier:
    return MemoryTier(LIMIT, FakeClock())


async def test_aiocache_add_refuses_what_is_there(tier: MemoryTier) -> None:
    await tier.add("/a", make_entry("/a"))

    with pytest.raises(ValueError, match="there already"):
        await tier.add("/a", make_entry("/a"))


async def test_aiocache_multi_set_and_get_keep_the_order(tier: MemoryTier) -> None:
    one, two = make_entry("/1"), make_entry("/2")

    await tier.multi_set([("/1", one), ("/2", two)])

    assert await tier.multi_get(["/2", "/none", "/1"]) == [two, None, one]


async def test_aiocache_ttl_expires_and_can_be_taken_back() -> None:
    clock = FakeClock()
    tier = MemoryTier(LIMIT, clock)
    await tier.set("/a", make_entry("/a"), ttl=5)
    await tier.set("/b", make_entry("/b"), ttl=5)
    await tier.expire("/b", 0)

    clock.advance(6)

    assert not await tier.exists("/a")
    assert await tier.exists("/b")
    assert tier.used_bytes == weight_bytes(make_entry("/b"))


async def test_aiocache_clear_by_namespace(tier: MemoryTier) -> None:
    await tier.set("/v/a", make_entry("/v/a"))
    await tier.set("/w/a", make_entry("/w/a"))

    await tier.clear(namespace="/v/")

    assert tier.keys() == ["/w/a"]


async def test_aiocache_values_must_be_the_keys_own_entry(tier: MemoryTier) -> None:
    with pytest.raises(TypeError):
        await tier.set("/a", b"bytes")
    with pytest.raises(TypeError):
        await tier.set("/a", make_entry("/b"))
    with pytest.raises(TypeError):
        await tier.increment("/a")
