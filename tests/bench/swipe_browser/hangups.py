"""`python -m tests.bench.swipe_browser.hangups`: how soon what a swipe makes pointless ends at the origin.

Without a browser: a viewer reads an opening that the edge warms for their plan, too; the swipe hangs up and
posts the next plan in one moment. From there to the end of the edge's connection at the origin, and so at the
edge at the latest; beside it a viewer alone, who is in no plan. The origin sends a kilobyte at a time and
looks each millisecond whether the edge is still there.
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

N_ROUNDS = 60
OPENING_BYTES = 200_000
RUNG = make_rung(open_bytes=OPENING_BYTES, chunk_bytes=[OPENING_BYTES] * 9, chunk_ms=[1_000] * 9)
READ_BYTES = 3_000
"""So much has come when the viewer swipes."""


class DribblingOrigin(CardOrigin):
    """Sends media a kilobyte each 20 ms, and notes when the edge hung up."""

    def __init__(self) -> None:
        super().__init__()
        self.ended_s: dict[str, float] = {}

    async def _media(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]
        response = web.StreamResponse(headers={"Cache-Control": IMMUTABLE, "ETag": '"one"'})
        response.content_length = OPENING_BYTES
        try:
            await response.prepare(request)
            for turn in range(20 * OPENING_BYTES // 1_000):
                if request.transport is None or request.transport.is_closing():
                    break
                if turn % 20 == 0:
                    await response.write(bytes(1_000))
                await asyncio.sleep(0.001)
        except ConnectionError:
            pass
        finally:
            self.ended_s[request.match_info["video"]] = asyncio.get_running_loop().time()
        return response


async def hung_up_ms(player: Viewer, origin: DribblingOrigin, video: str, then: str) -> float:
    """From the swipe to the end at the origin; `then` is on screen after it, empty: nothing is planned."""
    if then:
        await player.call("POST", "/v1/plan", json={"video": video, "next": ["unknown"]})
    swiped_s = 0.0
    async with player.http.get(f"{player.url}/v/{video}/{RUNG.path}/open.mp4") as answer:
        await answer.content.readexactly(READ_BYTES)
        swiped_s = asyncio.get_running_loop().time()
        answer.close()
    if then:
        await player.call("POST", "/v1/plan", json={"video": then, "next": ["unknown"]})
    await eventually(lambda: video in origin.ended_s)
    return 1000 * (origin.ended_s[video] - swiped_s)


async def main() -> None:
    """Measure and print."""
    origin = DribblingOrigin()
    names = [f"v{number}" for number in range(3 * N_ROUNDS + 20)]
    for number, video in enumerate(names):
        origin.publish(make_card(video, rungs=[RUNG], duration_ms=9_000, created_ms=number))
    await origin.start()
    found: dict[str, list[float]] = {"in a plan": [], "a viewer alone": []}
    async with AsyncExitStack() as stack:
        stack.push_async_callback(origin.stop)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = {"origin_url": origin.url, "nats_url": DEAD_NATS}
        url = await stack.enter_async_context(edge_process(folder / "edge", settings, len(names)))
        player = Viewer(await stack.enter_async_context(aiohttp.ClientSession()), url)
        await player.open()
        for number in range(N_ROUNDS):
            planned, then, alone = names[3 * number : 3 * number + 3]
            found["in a plan"].append(await hung_up_ms(player, origin, planned, then))
            found["a viewer alone"].append(await hung_up_ms(player, origin, alone, ""))
    rows = {
        name: {
            "p50 ms": round(quantile(took, 0.5), 1),
            "p95 ms": round(quantile(took, 0.95), 1),
            "max ms": max(took),
        }
        for name, took in found.items()
    }
    report.write("swipe-hangups", rows)


if __name__ == "__main__":
    asyncio.run(main())
