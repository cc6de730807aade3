"""The origin of a crowd, a process of its own: what keeps 200 players' loop busy does not make it slower.

It sends each object after a round trip, in its real size, over one link of bounded bandwidth. `python -m
tests.bench.swipe.far_origin N` publishes N videos, says its URL and ends with its input.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import uvloop
from aiohttp import web

from shared.web import json_response
from tests.card_origin import IMMUTABLE, CardOrigin
from tests.edge_builders import make_card, make_rung

TRIP_S, BYTES_S = 0.06, 25e6
VIDEO_S = 20
LADDER = [
    make_rung(name, open_bytes=size, chunk_bytes=[size] * VIDEO_S, chunk_ms=[1_000] * VIDEO_S)
    for name, size in (("360p", 90_000), ("540p", 150_000), ("720p", 230_000))
]
SMALL_BYTES = 600
"""Of a playlist or a poster."""


def names(n_videos: int) -> list[str]:
    """Ids of the videos that it has, oldest first."""
    return [f"v{number}" for number in range(n_videos)]


class FarOrigin(CardOrigin):
    """Answers after TRIP_S, one byte after another over all requests at BYTES_S."""

    def __init__(self, n_videos: int) -> None:
        super().__init__()
        self._free_s = 0.0
        self._sent: dict[str, int] = {}
        """Bytes by path."""
        for number, video in enumerate(names(n_videos)):
            self.publish(make_card(video, rungs=LADDER, duration_ms=VIDEO_S * 1_000, created_ms=number))

    async def _media(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        if request.match_info["video"] == "sent":
            return json_response(self._sent)
        rung = next((one for one in LADDER if path.startswith(f"{one.path}/")), None)
        n_bytes = rung.open_bytes if rung and path.endswith((".mp4", ".m4s")) else SMALL_BYTES
        now_s = asyncio.get_running_loop().time()
        self._free_s = max(now_s, self._free_s) + n_bytes / BYTES_S
        self._sent[request.path] = self._sent.get(request.path, 0) + n_bytes
        await asyncio.sleep(self._free_s - now_s + TRIP_S)
        return web.Response(body=bytes(n_bytes), headers={"Cache-Control": IMMUTABLE, "ETag": '"one"'})


@asynccontextmanager
async def far_origin(n_videos: int) -> AsyncIterator[str]:
    """URL of a running one."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", __name__, str(n_videos))
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        await process.wait()


async def sent_bytes(url: str) -> dict[str, int]:
    """What the origin at `url` sent, by path."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/v/sent/bytes") as answer:
        return dict(await answer.json())


async def _serve(n_videos: int) -> None:
    origin = FarOrigin(n_videos)
    await origin.start()
    print(origin.url, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await origin.stop()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
