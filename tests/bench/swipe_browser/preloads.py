"""`python -m tests.bench.swipe_browser.preloads`: do preloads delay the first chunk of the video on screen?

A viewer comes to a video of which the edge has nothing, and asks for its opening: in turns with nothing else
to warm, and with four more cold videos in the same plan, which the edge warms, too. The origin's link is
shared evenly by whatever is under way, and narrow, so that each byte beside costs the viewer. From the plan's
answer to the opening's last byte; the ratio of the quantiles is to be at most 1.05.
"""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
from aiohttp import web

from tests.bench import report
from tests.bench.edge_process import edge_process
from tests.bench.swipe_browser.schedule import quantile
from tests.card_origin import IMMUTABLE, CardOrigin
from tests.edge_builders import make_card, make_rung
from tests.edge_nodes import DEAD_NATS, Viewer
from tests.waiting import eventually

N_ROUNDS = 40
N_BESIDE = 4
VIDEO_S = 20
LINK_BYTES_S, TRIP_S, PIECE_BYTES = 2.5e6, 0.03, 5_000
LADDER = [
    make_rung(name, open_bytes=size, chunk_bytes=[size] * VIDEO_S, chunk_ms=[1_000] * VIDEO_S)
    for name, size in (("360p", 90_000), ("540p", 150_000))
]


class SharedLink(CardOrigin):
    """Answers after a round trip; all answers under way share the link piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self.n_sending = 0
        self._turn = asyncio.Lock()
        """Fair: who waits longest is next."""
        self._free_s = 0.0

    async def _media(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]
        path = request.match_info["path"]
        rung = next((one for one in LADDER if path == f"{one.path}/open.mp4"), None)
        n_bytes = rung.open_bytes if rung else 100_000 if path.endswith(".m4s") else 600
        response = web.StreamResponse(headers={"Cache-Control": IMMUTABLE, "ETag": '"one"'})
        response.content_length = n_bytes
        self.n_sending += 1
        try:
            await asyncio.sleep(TRIP_S)
            await response.prepare(request)
            for start in range(0, n_bytes, PIECE_BYTES):
                async with self._turn:
                    await self._pass(min(PIECE_BYTES, n_bytes - start))
                await response.write(bytes(min(PIECE_BYTES, n_bytes - start)))
        except ConnectionError:
            pass  # nobody wants it any more
        finally:
            self.n_sending -= 1
        return response

    async def _pass(self, n_bytes: int) -> None:
        """The time that the link takes; a timer that is late does not make it slower."""
        now_s = asyncio.get_running_loop().time()
        self._free_s = max(now_s - PIECE_BYTES / LINK_BYTES_S, self._free_s) + n_bytes / LINK_BYTES_S
        await asyncio.sleep(self._free_s - now_s)


async def first_chunk_s(player: Viewer, video: str, beside: list[str]) -> float:
    """How long a viewer who came to `video` waits for its opening."""
    state = {"video": video, "next": beside, "bandwidth_bps": 2e7, "rtt_ms": 20}
    told = await player.call("POST", "/v1/plan", json=state)
    (url,) = [step["url"] for step in told["plan"] if step["video"] == video and step["chunk"] == 0]
    clock = asyncio.get_running_loop().time
    began_s = clock()
    async with player.http.get(player.url + url) as answer:
        await answer.read()
        assert answer.status == 200
    return clock() - began_s


async def measured(player: Viewer, origin: SharedLink, names: list[str]) -> dict[str, list[float]]:
    """Milliseconds with and without preloads beside, in turns; each video is cold."""
    await player.open()
    found: dict[str, list[float]] = {"alone": [], "with preloads": []}
    for number in range(2 * N_ROUNDS):
        is_alone = (number + number // 2) % 2 == 0  # A B B A
        video, *beside = (names.pop() for _ in range(1 + N_BESIDE))
        await eventually(lambda: origin.n_sending == 0)
        took_s = await first_chunk_s(player, video, ["unknown"] if is_alone else beside)
        found["alone" if is_alone else "with preloads"].append(1000 * took_s)
    return found


async def main() -> None:
    """Measure and print."""
    origin = SharedLink()
    names = [f"v{number}" for number in range(2 * N_ROUNDS * (1 + N_BESIDE) + 20)]
    for number, video in enumerate(names):
        origin.publish(make_card(video, rungs=LADDER, duration_ms=VIDEO_S * 1_000, created_ms=number))
    await origin.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(origin.stop)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = {"origin_url": origin.url, "nats_url": DEAD_NATS}
        url = await stack.enter_async_context(edge_process(folder / "edge", settings, len(names)))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        found = await measured(Viewer(http, url), origin, names[:-20])
    rows = {
        name: {f"p{round(100 * share)} ms": round(quantile(took_ms, share), 1) for share in (0.5, 0.95)}
        for name, took_ms in found.items()
    }
    alone, beside = rows.values()
    rows["ratio"] = {name: round(beside[name] / alone[name], 3) for name in alone}
    report.write("swipe-preloads", rows)


if __name__ == "__main__":
    asyncio.run(main())
