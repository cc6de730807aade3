"""`python -m tests.bench.swipe_browser.aborts`: how soon a swipe ends the requests that it makes pointless.

By keys, or with `--touch` by a finger (times are from its release, below 0 before it). At the player: from
the key or release to the request's abort, as the page tells it, and to `loadingFailed`, as DevTools do; at
the origin, behind a real edge, to the end of the connection, and so at the edge at the latest. It is so slow
that something is always under way. What goes on to its end is told apart: a plan after the swipe names
it, or the edge took it to be nearly done.
Origin, edge and browser are processes of their own. All clocks are the machine's monotonic one; DevTools'
and the page's meet in the swipe's own POST.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from aiohttp import web
from playwright.async_api import CDPSession, Page, Response

from edge.cache.settings import CacheLimits
from shared import embedded
from tests.bench.edge_process import edge_process
from tests.bench.swipe_browser.run import chromium
from tests.bench.swipe_browser.schedule import quantile
from tests.bench.swipe_browser.shelf import ShelfOrigin, shelf
from tests.brains import ScriptedBrain
from tests.browser.conftest import PHONE
from tests.waiting import eventually

N_SWIPES = 14
DWELL_S = 1.5
SETTLE_S = 0.5
PIECE_BYTES = 1024
PIECE_S = 0.015
LOOK_S = 0.001
LATE_S = 0.05
"""What ends later after the key is told apart."""
FINISH_S = CacheLimits().finish_s
"""What comes within it is let come."""
WATCHED = """
    window.aborts = [];
    const asked = fetch;
    window.fetch = (url, init) => {
      const path = new URL(url, location.href).pathname;
      init?.signal?.addEventListener("abort", () => aborts.push([path, performance.now()]));
      return asked(url, init);
    };"""
KEY_MS = """(kind) => {
    window.aborts = [];
    addEventListener(kind, (e) => (window.keyMs = e.timeStamp), { once: true, capture: true });
}"""
ABORTED_AFTER_KEY = "() => aborts.map(([path, ms]) => [path, ms - keyMs])"
POST_AFTER_KEY_MS = """() => performance.getEntriesByType('resource')
    .filter(({ name }) => name.includes('/v1/events')).at(-1).startTime - keyMs"""


@dataclass
class Sending:
    """One answer of the origin."""

    path: str
    began_s: float
    n_bytes: int
    pieces_s: list[float] = field(default_factory=list)
    """When each piece left."""
    ended_s: float = 0.0
    is_whole: bool = False

    def left_s(self, at_s: float) -> float:
        """How long the rest takes from a moment on."""
        sent_bytes = PIECE_BYTES * sum(piece_s <= at_s for piece_s in self.pieces_s)
        return max(0, self.n_bytes - sent_bytes) / PIECE_BYTES * PIECE_S


class SlowOrigin(ShelfOrigin):
    """Sends media piece by piece, and tells when and how that ended, a line each."""

    async def _media(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]
        whole = await super()._media(request)
        body = whole.body
        assert isinstance(body, bytes)
        fields = {name: whole.headers[name] for name in ("Cache-Control", "ETag", "Content-Type")}
        sending = Sending(request.path, monotonic(), len(body))
        response = web.StreamResponse(headers=fields)
        response.content_length = len(body)
        try:
            await response.prepare(request)
            for start in range(0, len(body), PIECE_BYTES):
                await response.write(body[start : start + PIECE_BYTES])
                sending.pieces_s.append(monotonic())
                sending.is_whole = start + PIECE_BYTES >= len(body)
                if sending.is_whole or not await self._is_there(request):
                    break
        except ConnectionError:
            pass
        finally:
            sending.ended_s = monotonic()
            print(json.dumps(asdict(sending)), flush=True)
        return response

    async def _is_there(self, request: web.Request) -> bool:
        until_s = monotonic() + PIECE_S
        while monotonic() < until_s:
            if request.transport is None or request.transport.is_closing():
                return False
            await asyncio.sleep(LOOK_S)
        return True


async def be_the_origin() -> None:
    """Serve until the standard input ends."""
    origin = SlowOrigin(shelf(2 * N_SWIPES))
    await origin.start()
    print(origin.url, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await origin.stop()


@asynccontextmanager
async def slow_origin(sent: list[Sending]) -> AsyncIterator[str]:
    """URL of one as a process of its own; what it sent is in the list at the end."""
    command = (sys.executable, "-m", "tests.bench.swipe_browser.aborts", "--origin")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=2**20)
    assert process.stdout is not None and process.stdin is not None
    url = (await process.stdout.readline()).decode().strip()
    try:
        yield url
    finally:
        process.stdin.close()
        told, _ = await process.communicate()
        sent += [Sending(**json.loads(line)) for line in told.decode().splitlines()]


@dataclass
class Swipe:
    """One swipe."""

    key_s: float
    aborted: dict[str, float]
    """Milliseconds after the key, by path."""
    given_up: list[tuple[str, float]]
    """Path, and when by the monotonic clock."""
    planned: set[str]
    """What the plans name that came after the key."""


async def flick(devtools: CDPSession) -> None:
    """A finger pulls more than half a screen and lets go."""
    for y in range(700, 200, -40):
        kind = "touchStart" if y == 700 else "touchMove"
        await devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": 190, "y": y}]})
    await devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


async def one_swipe(page: Page, devtools: CDPSession, paths: dict[str, str], *, is_touch: bool) -> Swipe:
    """Press the key or flick, and see what is given up and what is planned after it."""
    ended: list[tuple[str, float]] = []
    posted: list[float] = []
    planned: set[str] = set()

    def sent(event: dict[str, Any]) -> None:
        if event["request"]["url"].endswith("/v1/events"):
            posted.append(event["timestamp"])

    def failed(event: dict[str, Any]) -> None:
        if event.get("canceled"):
            ended.append((event["requestId"], event["timestamp"]))

    async def answered(response: Response) -> None:
        if response.url.endswith(("/v1/events", "/v1/plan")) and response.ok:
            answer = await response.json()
            planned.update(step["url"] for step in answer.get("feed", answer)["plan"])

    await page.evaluate(KEY_MS, "touchend" if is_touch else "keydown")
    devtools.on("Network.requestWillBeSent", sent)
    devtools.on("Network.loadingFailed", failed)
    page.on("response", answered)
    await (flick(devtools) if is_touch else page.keyboard.press("ArrowDown"))
    await eventually(lambda: posted)
    await asyncio.sleep(SETTLE_S)
    devtools.remove_listener("Network.requestWillBeSent", sent)
    devtools.remove_listener("Network.loadingFailed", failed)
    page.remove_listener("response", answered)
    key_s = posted[0] - await page.evaluate(POST_AFTER_KEY_MS) / 1000
    aborted = dict(await page.evaluate(ABORTED_AFTER_KEY))
    return Swipe(key_s, aborted, [(paths[one], at_s) for one, at_s in ended], planned)


async def swiped(url: str, *, is_touch: bool) -> list[Swipe]:
    """Every swipe of one viewer."""
    paths: dict[str, str] = {}
    async with chromium() as browser:
        context = await browser.new_context(viewport=PHONE, has_touch=is_touch, is_mobile=is_touch)
        await context.add_init_script(WATCHED)
        page = await context.new_page()
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Network.enable")
        devtools.on(
            "Network.requestWillBeSent",
            lambda event: paths.update({event["requestId"]: event["request"]["url"].removeprefix(url)}),
        )
        await page.goto(url)
        await page.wait_for_function("() => window.headstart?.swipes[0]?.first_frame_ms != null")
        found = []
        for _ in range(N_SWIPES):
            await asyncio.sleep(DWELL_S)
            found.append(await one_swipe(page, devtools, paths, is_touch=is_touch))
    return found


def judged(swipes: list[Swipe], sent: list[Sending]) -> dict[str, list[float]]:
    """Milliseconds after the key, by what became of each request that was given up."""
    found: dict[str, list[float]] = {}
    for swipe in swipes:
        for path, at_s in swipe.given_up:
            found.setdefault("given up by the player, by DevTools", []).append(1000 * (at_s - swipe.key_s))
            if path in swipe.aborted:
                found.setdefault("aborted by the player", []).append(swipe.aborted[path])
            for one in sent:
                if one.path == path and one.began_s < swipe.key_s < one.ended_s:
                    what = fate(one, at_s, is_planned=path in swipe.planned)
                    found.setdefault(what, []).append(1000 * (one.ended_s - swipe.key_s))
                    if what == UNWANTED or one.ended_s - swipe.key_s > LATE_S:
                        left_s = one.left_s(at_s)
                        print(f"{what}: {path}, {left_s:.3f} s left, {swipe.aborted.get(path)} ms, {one}")
    return found


UNWANTED = "went on, and should not have"


def fate(one: Sending, at_s: float, *, is_planned: bool) -> str:
    """What became at the origin of a request that was given up at a moment, and why."""
    if not one.is_whole:
        return "ended at the origin" + (", planned again" if is_planned else "")
    if is_planned:
        return "went on: a plan after the swipe names it"
    return "went on: nearly done" if one.left_s(at_s) <= FINISH_S else UNWANTED


async def main() -> None:
    """Measure and print."""
    videos = shelf(2 * N_SWIPES)
    sent: list[Sending] = []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        nats = await embedded.nats_server(folder / "nats", {})
        stack.push_async_callback(nats.stop)
        origin_url = await stack.enter_async_context(slow_origin(sent))
        brain = await ScriptedBrain.start(nats.url)
        stack.push_async_callback(brain.close)
        brain.ranking = list(videos)
        settings = {"origin_url": origin_url, "nats_url": nats.url}
        swipes = await swiped(
            await stack.enter_async_context(edge_process(folder / "edge", settings, len(videos))),
            is_touch="--touch" in sys.argv,
        )
    for what, found in sorted(judged(swipes, sent).items()):
        p50, p90, most = quantile(found, 0.5), quantile(found, 0.9), max(found)
        print(f"{what}: {len(found)}, ms after the key: p50 {p50:.0f}, p90 {p90:.0f}, most {most:.0f}")


if __name__ == "__main__":
    asyncio.run(be_the_origin() if "--origin" in sys.argv else main())
