"""Redis connections are bounded in time, and fail as one error."""

import asyncio

import pytest

from shared import kv
from shared.errors import Unavailable


async def test_values_are_kept_as_bytes(valkey: str) -> None:
    client = kv.connect(valkey)
    await client.incrby("stats:u1:space", 10)

    assert await client.get("stats:u1:space") == b"10"
    await client.aclose()


async def test_each_test_finds_an_empty_server(valkey: str) -> None:
    client = kv.connect(valkey)

    assert await client.dbsize() == 0
    await client.set("left", "behind")
    await client.aclose()


async def test_an_absent_server_is_unavailable_soon(free_port: int) -> None:
    client = kv.connect(f"redis://127.0.0.1:{free_port}")

    async with asyncio.timeout(1.5):
        with pytest.raises(Unavailable, match="Redis"), kv.translated():
            await client.get("k")
    await client.aclose()


async def test_a_silent_server_is_unavailable_soon() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    client = kv.connect(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")

    async with asyncio.timeout(1.5):
        with pytest.raises(Unavailable, match="Timeout"), kv.translated():
            await client.get("k")
    await client.aclose()
    server.close()
