"""What is particular to the Redis store: keys as an operator sees them, lifetimes, a server that is gone."""

import pytest

from brain.features import schema
from brain.features.effects import effects_of
from brain.features.redis_store import RedisFeatureStore
from shared import kv
from shared.errors import Unavailable
from tests.brain_builders import said
from tests.builders import make_batch


async def test_the_counter_is_a_plain_integer_under_the_specified_key(valkey: str) -> None:
    client = kv.connect(valkey)
    features = RedisFeatureStore(client, 3600.0, 86_400.0)

    await features.apply(effects_of([make_batch(said("u1", "v1", 0.95, id="e1", category="space"))]))

    assert await client.get("stats:u1:space") == b"10"
    assert await client.get("dedupe:{stats:u1:space}:e1") == b"1"
    await client.aclose()


async def test_every_key_but_the_built_marker_expires(valkey: str) -> None:
    client = kv.connect(valkey)
    features = RedisFeatureStore(client, 3600.0, 86_400.0)
    await features.apply(effects_of([make_batch(said("u1", "v1", 0.95, category="space", creator_id="c"))]))
    await features.set_built()

    keys = [key async for key in client.scan_iter()]
    lasting = [key for key in keys if await client.ttl(key) < 0]

    assert len(keys) >= 8
    assert lasting == [schema.BUILT_KEY.encode()]
    await client.aclose()


async def test_scripts_survive_a_server_that_forgot_them(valkey: str) -> None:
    client = kv.connect(valkey)
    features = RedisFeatureStore(client, 3600.0, 86_400.0)
    await features.apply(effects_of([make_batch(said("u1", "v1", 1.0, category="space"))]))
    await client.script_flush()

    await features.apply(effects_of([make_batch(said("u1", "v2", 1.0, category="space"))]))

    assert (await features.profile("u1")).counters == {"space": 20}
    await client.aclose()


async def test_a_server_that_is_gone_is_unavailable(free_port: int) -> None:
    client = kv.connect(f"redis://127.0.0.1:{free_port}")
    features = RedisFeatureStore(client, 3600.0, 86_400.0)

    with pytest.raises(Unavailable):
        await features.profile("u1")
    with pytest.raises(Unavailable):
        await features.apply(effects_of([make_batch(said("u1", "v1"))]))
    await client.aclose()
