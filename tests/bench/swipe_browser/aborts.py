"""`python -m tests.bench.swipe_browser.aborts`: how soon a swipe ends the requests that it makes pointless.

At the player: from the key to DevTools' `loadingFailed`. At the origin, behind a real edge: to the end of the
connection, and so at the edge at the latest. The origin is so slow that something is always under way. What
the edge warms for itself, and a fill that it takes to be nearly done, goes on: counted apart. All clocks are
the machine's monotonic one; DevTools' and the page's meet in the swipe's own POST.
"""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from aiohttp import web
from playwright.async_api import CDPSession, Page

from tests.bench.swipe_browser.run import chromium
from tests.bench.swipe_browser.schedule import quantile
from tests.bench.swipe_browser.shelf import ShelfOrigin, edge, shelf
from tests.browser.conftest import PHONE

N_SWIPES = 10
DWELL_S = 1.5
SETTLE_S = 0.5
PIECE_BYTES = 4096
PIECE_S = 0.06
LOOK_S = 0.001
KEY_MS = "addEventListener('keydown', (e) => (window.keyMs = e.timeStamp), { once: true, capture: true })"
POST_AFTER_KEY_MS = """() => performance.getEntriesByType('resource')
    .filter(({ name }) => name.includes('/v1/events')).at(-1).startTime - keyMs"""


@dataclass
class Sending:
    """One answer of the origin."""

    path: str
    began_s: float
    ended_s: float = 0.0
    is_whole: bool = False


class SlowOrigin(ShelfOrigin):
    """Sends media piece by piece, and notes when and how that ended."""

    def __init__(self, videos: Any) -> None:
        super().__init__(videos)
        self.sent: list[Sending] = []

    async def _media(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]
        whole = await super()._media(request)
        body = whole.body
        assert isinstance(body, bytes)
        fields = {name: whole.headers[name] for name in ("Cache-Control", "ETag", "Content-Type")}
        sending = Sending(request.path, monotonic())
        self.sent.append(sending)
        response = web.StreamResponse(headers=fields)
        response.content_length = len(body)
        try:
            await response.prepare(request)
            for start in range(0, len(body), PIECE_BYTES):
                await response.write(body[start : start + PIECE_BYTES])
                await self._pause(request)
            sending.is_whole = True
        finally:
            sending.ended_s = monotonic()
        return response

    async def _pause(self, request: web.Request) -> None:
        until_s = monotonic() + PIECE_S
        while monotonic() < until_s:
            if request.transport is None or request.transport.is_closing():
                raise ConnectionResetError("the edge hung up")
            await asyncio.sleep(LOOK_S)


async def one_swipe(page: Page, devtools: CDPSession) -> tuple[float, list[tuple[str, float]]]:
    """When the key was pressed, and what was given up: DevTools' id and milliseconds after the key."""
    ended: list[tuple[str, float]] = []
    posted: list[float] = []

    def sent(event: dict[str, Any]) -> None:
        if event["request"]["url"].endswith("/v1/events"):
            posted.append(event["timestamp"])

    def failed(event: dict[str, Any]) -> None:
        if event.get("canceled"):
            ended.append((event["requestId"], event["timestamp"]))

    await page.evaluate(KEY_MS)
    devtools.on("Network.requestWillBeSent", sent)
    devtools.on("Network.loadingFailed", failed)
    await page.keyboard.press("ArrowDown")
    await asyncio.sleep(SETTLE_S)
    devtools.remove_listener("Network.requestWillBeSent", sent)
    devtools.remove_listener("Network.loadingFailed", failed)
    key_s = posted[0] - await page.evaluate(POST_AFTER_KEY_MS) / 1000
    return key_s, [(one, 1000 * (at_s - key_s)) for one, at_s in ended]


async def swiped(url: str) -> list[tuple[float, list[tuple[str, float]]]]:
    """Every swipe of one viewer: when, and which requests were given up how late; with their paths."""
    paths: dict[str, str] = {}
    async with chromium() as browser:
        page = await (await browser.new_context(viewport=PHONE)).new_page()
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
            found.append(await one_swipe(page, devtools))
    return [(key_s, [(paths[one], ms) for one, ms in ended]) for key_s, ended in found]


def show(where: str, found: list[float]) -> None:
    """One line."""
    p50, p90 = quantile(found, 0.5), quantile(found, 0.9)
    most = max(found, default=0)
    print(f"{where}: {len(found)}, ms after the key: p50 {p50:.0f}, p90 {p90:.0f}, most {most:.0f}")


async def main() -> None:
    """Measure and print."""
    videos = shelf(2 * N_SWIPES)
    origin = SlowOrigin(videos)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        swipes = await swiped(await stack.enter_async_context(edge(videos, folder, origin)))
    stopped: list[float] = []
    finished: list[float] = []
    for key_s, ended in swipes:
        for path, _ in ended:
            for one in origin.sent:
                if one.path == path and one.began_s < key_s < one.ended_s:
                    (finished if one.is_whole else stopped).append(1000 * (one.ended_s - key_s))
    show("given up by the player", [ms for _, ended in swipes for _, ms in ended])
    show("ended at the origin", stopped)
    show("went on at the origin, to its end", finished)


if __name__ == "__main__":
    asyncio.run(main())
