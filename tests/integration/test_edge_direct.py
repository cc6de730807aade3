"""Fills that the connection to the origin leads itself: whatever the origin says, cut anywhere, viewers get
what the ordinary path gives them."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import cast

import pytest

from edge.cache.tags import Purge
from tests.fast_edges import BIG, Served, serving
from tests.origins import ScriptedOrigin
from tests.waiting import eventually
from tests.wire import connected, get

BODY = BIG[:40_000]
CLOSE = b""
"""In the parts of an answer: the connection ends."""
MASKED = re.compile(rb"(?<=\r\nAge: )\d+|(?<=\r\nDate: )[^\r]*")
"""A second may pass between two answers."""
DATE = b"Date: Mon, 23 Nov 2026 08:00:00 GMT\r\nCache-Control: max-age=60\r\n"


def head(n_bytes: int, fields: bytes = b"", status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b%b\r\n" % (status, n_bytes, DATE, fields)


WHOLE = head(len(BODY)) + BODY
ANSWERS: dict[str, Sequence[bytes]] = {
    "in one": (WHOLE,),
    "head apart": (head(len(BODY)), BODY),
    "cut in the head": (WHOLE[:30], WHOLE[30:]),
    "cut in the first line": (WHOLE[:5], WHOLE[5:9], WHOLE[9:]),
    "cut before the empty line's end": (head(len(BODY))[:-1], b"\n" + BODY),
    "in many": tuple(WHOLE[place : place + 700] for place in range(0, len(WHOLE), 700)),
    "without its last byte": (WHOLE[:-1], WHOLE[-1:]),
    "early hints": (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", WHOLE),
    "a sign of life": (b"HTTP/1.1 102 Processing\r\n\r\n" + WHOLE,),
    "bytes behind it": (WHOLE + head(6) + b"poison",),
    "empty": (head(0),),
    "one byte": (head(1) + b"x",),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + DATE + b"\r\n5\r\nabcde\r\n0\r\n\r\n",
    ),
    "until the end": (b"HTTP/1.0 200 OK\r\n" + DATE + b"\r\nabcde", CLOSE),
    "not found": (head(2, status=b"404 Not Found") + b"no",),
    "private": (head(4, b"Cache-Control: private\r\n") + b"mine",),
    "longer than straight": (head(len(BIG) * 2) + BIG + BIG,),
    "cut off": (WHOLE[:2000], CLOSE),
    "cut off in the head": (WHOLE[:20], CLOSE),
    "no answer": (CLOSE,),
    "no HTTP": (b"SSH-2.0-x\r\n\r\n", CLOSE),
}


class Speaker:
    """An origin that says exactly these bytes, part by part; /warm leaves a connection at rest."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        self._parts = parts
        self.heads: list[bytes] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while asked := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(asked)
                for part in self._parts if b" /warm" not in asked else (head(1) + b"w",):
                    if part == CLOSE:
                        return
                    writer.write(part)
                    await writer.drain()
                    for _ in range(3):
                        await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def speaking(parts: Sequence[bytes]) -> AsyncIterator[tuple[Served, Speaker]]:
    speaker = Speaker(parts)
    async with await asyncio.start_server(speaker.talk, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with serving(cast(ScriptedOrigin, SimpleNamespace(url=url))) as served:
            yield served, speaker


async def answers(url: str, n_viewers: int) -> list[bytes]:
    async def one() -> bytes:
        async with connected(url) as wire:
            wire.writer.write(get("/a") + get("/warm", "Connection: close"))
            try:
                heard = (await wire.rest()).partition(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n")[0]
                return MASKED.sub(b"", heard)
            except ConnectionError:
                return b"reset"

    return sorted(await asyncio.gather(*(one() for _ in range(n_viewers))))


async def warmed(served: Served) -> None:
    """Nothing is held, and a connection to the origin rests."""
    await served.delivery.cache.purge(Purge())
    served.delivery.fills._refused.known.clear()
    async with connected(served.plain) as wire:
        assert (await wire.ask(get("/warm"))).body == b"w"


@pytest.mark.parametrize("kind", ANSWERS)
async def test_whatever_the_origin_says_viewers_get_what_the_ordinary_path_gives(kind: str) -> None:
    async with speaking(ANSWERS[kind]) as (served, _):
        heard = []
        for url in (served.fast, served.plain):
            await warmed(served)
            heard.append(await answers(url, 1))

    assert heard[0] == heard[1]


@pytest.mark.parametrize("kind", ["in one", "in many", "cut in the head", "head apart"])
async def test_a_whole_body_is_led_by_the_connection_and_stored(kind: str) -> None:
    async with speaking(ANSWERS[kind]) as (served, speaker):
        await warmed(served)
        n_tasks = len(served.delivery.fills._flights._tasks)
        async with connected(served.fast) as wire:
            wire.writer.write(get("/a"))
            await eventually(lambda: any(b" /a " in one for one in speaker.heads))
            assert len(served.delivery.fills._flights._tasks) == n_tasks == 0

            assert (await wire.reply()).body == BODY
        await eventually(lambda: served.delivery.media.is_in_memory("/a"))
        assert served.delivery.fills.n_flights == 0
        assert served.delivery.fills._filling_bytes == 0
        (entry,) = [hot.entry for hot in [served.delivery.cache.memory.peek("/a")] if hot is not None]
        assert bytes(entry.body) == BODY


async def test_a_fill_that_ends_badly_leaves_nothing_reserved() -> None:
    async with speaking(ANSWERS["cut off"]) as (served, _):
        await warmed(served)
        assert await answers(served.fast, 3)
        await eventually(lambda: served.delivery.fills.n_flights == 0)

        assert served.delivery.fills._filling_bytes == 0
        assert served.delivery.fills.n_readers == 0
