"""Clients that mean harm, against one edge: `python -m tests.abuse ATTACK HOST PORT N` is one as a process.

Each attack is bounded in connections and ends by itself, or when its process is ended.
"""

import asyncio
import itertools
import sys
from collections.abc import Awaitable, Callable

AT_ONCE = 100
LORIS_S = 6.0
BYTE_S = 0.25
PROBE_PAUSE_S = 0.002
Address = tuple[str, int]


async def _exchange(address: Address, data: bytes, n_read: int) -> bytes:
    """Write, read up to n_read bytes, then vanish without a word."""
    try:
        reader, writer = await asyncio.open_connection(*address)
    except OSError:
        return b""
    try:
        writer.write(data)
        return await asyncio.wait_for(reader.read(n_read), 10) if n_read else b""
    except (OSError, TimeoutError):
        return b""
    finally:
        writer.transport.abort()


async def _many(n: int, one: Callable[[int], Awaitable[object]]) -> None:
    numbers = iter(range(n))

    async def work() -> None:
        for number in numbers:
            await one(number)

    await asyncio.gather(*(work() for _ in range(min(n, AT_ONCE))))


async def slow_loris(address: Address, n: int) -> None:
    """n connections that send one byte of a head, or of a body, every quarter of a second."""

    async def one(number: int) -> None:
        _, writer = await asyncio.open_connection(*address)
        writer.write(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n" * (number % 2))
        try:
            for byte in itertools.repeat(b"G", int(LORIS_S / BYTE_S)):
                writer.write(byte)
                await asyncio.sleep(BYTE_S)
        finally:
            writer.transport.abort()

    await asyncio.gather(*(one(number) for number in range(n)), return_exceptions=True)


async def disconnects(address: Address, n: int) -> None:
    """n clients that leave in the middle of an answer's body, or of their own."""
    asked = b"GET /big HTTP/1.1\r\nHost: x\r\nRange: bytes=1-\r\n\r\n"
    fresh = b"GET /big?%d HTTP/1.1\r\nHost: x\r\n\r\n"
    posted = b"POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\nhalf"

    async def one(number: int) -> None:
        kinds = ((asked, 1000), (fresh % (number % 50), 1000), (posted, 0))
        await _exchange(address, *kinds[number % 3])

    await _many(n, one)


async def pipelined(address: Address, n: int) -> None:
    """n requests on ten connections, sent without waiting for answers; half of the connections never read."""

    async def one(number: int) -> None:
        data = b"GET /hot HTTP/1.1\r\nHost: x\r\n\r\n" * (n // 10)
        if number % 2:
            await _exchange(address, data, 1)
            return
        reader, writer = await asyncio.open_connection(*address)
        try:
            writer.write(data[:-2] + b"Connection: close\r\n\r\n")
            await asyncio.wait_for(reader.read(), 60)
        finally:
            writer.transport.abort()

    await asyncio.gather(*(one(number) for number in range(10)), return_exceptions=True)


async def large_heads(address: Address, n: int) -> None:
    """n heads of 70 kB, in one field, in many, or in the target."""
    heads = (
        b"GET /hot HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET /hot HTTP/1.1\r\nHost: x\r\n" + b"X-Field: abcdefghij\r\n" * 3400 + b"\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    await _many(n, lambda number: _exchange(address, heads[number % 3], 4000))


async def busting(address: Address, n: int) -> None:
    """n requests for one object, each with a query of its own."""
    request = b"GET /v/one/open.mp4?bust=%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    await _many(n, lambda number: _exchange(address, request % number, 1 << 16))


async def probe(address: Address, _: int) -> None:
    """No attack: one viewer's hits, each one's milliseconds on a line, until the standard input ends."""
    is_over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), is_over.set)
    reader, writer = await asyncio.open_connection(*address)
    clock = asyncio.get_running_loop().time
    while not is_over.is_set():
        began_s = clock()
        writer.write(b"GET /hot HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
        assert head.startswith(b"HTTP/1.1 200 "), head
        print((clock() - began_s) * 1000)
        await asyncio.sleep(PROBE_PAUSE_S)
    writer.close()


ATTACKS: dict[str, Callable[[Address, int], Awaitable[None]]] = {
    attack.__name__: attack for attack in (slow_loris, disconnects, pipelined, large_heads, busting)
}

if __name__ == "__main__":
    name, host, port, count = sys.argv[1:]
    asyncio.run((probe if name == "probe" else ATTACKS[name])((host, int(port)), int(count)))  # type: ignore[arg-type]
