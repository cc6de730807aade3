"""`make bench-swipe`: real Chromium on emulated links swipes on a human-like schedule, ours beside hls.js.

The key press starts the clock; `meter.js` says what stops it. A swipe whose first frame did not come before
the next one counts as long as it lasted. Bytes are DevTools'; wasted is
what was never on screen, to the second.
"""

import argparse
import asyncio
import contextlib
import json
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from playwright.async_api import Browser, BrowserContext, CDPSession, Page, Request, async_playwright

from tests.bench import report
from tests.bench.swipe_browser.schedule import dwells, quantile
from tests.bench.swipe_browser.shelf import edge, nginx, shelf
from tests.browser.conftest import ARGUMENTS, PHONE, chromium_path
from tests.browser.node import MODULES

HERE = Path(__file__).parent
METER = (HERE / "meter.js").read_text()
SEED = 2026
STALL_MS = 100
FIRST_FRAME_MS = 60_000


class Link(NamedTuple):
    """An emulated link."""

    bps: float
    rtt_ms: float


LINKS = {"lte": Link(10e6, 60), "3g": Link(1.5e6, 150), "fast": Link(50e6, 20)}


@dataclass
class Heard:
    """What DevTools and the player's own beacons say of one run."""

    media: set[str] = field(default_factory=set)
    """DevTools' ids of media requests."""
    fetched_bytes: int = 0
    shown_bytes: int = 0
    beacons: set[str] = field(default_factory=set)
    """Those counted: one that is not confirmed is sent again."""

    def sent(self, event: dict[str, Any]) -> None:
        if event["request"]["url"].partition("?")[0].endswith((".mp4", ".m4s")):
            self.media.add(event["requestId"])

    def received(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self.media:
            self.fetched_bytes += event["dataLength"]

    def told(self, request: Request) -> None:
        if request.url.endswith("/v1/events") and request.post_data:
            for one in json.loads(request.post_data).get("qoe", []):
                if (key := json.dumps(one)) in self.beacons:
                    continue
                self.beacons.add(key)
                self.shown_bytes += one["fetched_bytes"] - one["wasted_bytes"]


async def devtools(page: Page, link: Link, heard: Heard) -> CDPSession:
    """The page's link is emulated, and its bytes are counted."""
    session = await page.context.new_cdp_session(page)
    session.on("Network.requestWillBeSent", heard.sent)
    session.on("Network.dataReceived", heard.received)
    await session.send("Network.enable")
    rate = {"downloadThroughput": link.bps / 8, "uploadThroughput": link.bps / 8}
    await session.send("Network.emulateNetworkConditions", {"offline": False, "latency": link.rtt_ms, **rate})
    return session


async def swipe_all(page: Page, seconds: list[float]) -> dict[str, Any]:
    """Stay and swipe; what the meter in the page has seen."""
    for dwell in seconds:
        await page.keyboard.press("ArrowDown")
        await asyncio.sleep(dwell)
    return dict(await page.evaluate("() => (dispatchEvent(new KeyboardEvent('keydown')), meter)"))


async def ours(context: BrowserContext, url: str, link: Link, seconds: list[float]) -> dict[str, Any]:
    """The page of the edge."""
    page, heard = await context.new_page(), Heard()
    page.on("request", heard.told)
    await devtools(page, link, heard)
    await page.goto(url)
    await page.evaluate(METER + "; window.onScreen = () => headstart.player.video; 0")
    await page.wait_for_function("() => headstart.swipes[0]?.first_frame_ms != null", timeout=FIRST_FRAME_MS)
    await asyncio.sleep(seconds[0])
    seen = await swipe_all(page, seconds[1:])
    async with page.expect_request("**/v1/events"):
        await page.evaluate("dispatchEvent(new Event('pagehide'))")
    await page.close()
    return figures(seen, seconds[1:], heard)


async def hls_js(context: BrowserContext, url: str, link: Link, seconds: list[float]) -> dict[str, Any]:
    """hls.js without prefetch on the same files."""
    page, heard = await context.new_page(), Heard()
    await page.route("**/bench.html", lambda route: route.fulfill(path=HERE / "hls.html"))
    await page.route("**/hls.min.js", lambda route: route.fulfill(path=MODULES / "hls.js/dist/hls.min.js"))
    await devtools(page, link, heard)
    videos = json.dumps([f"clip{number:03}" for number in range(len(seconds))])
    await page.add_init_script(f"window.videos = {videos}")
    await page.goto(f"{url}/bench.html")
    await page.evaluate(METER)
    await page.keyboard.press("ArrowDown")
    await page.wait_for_function("() => meter.swipes[0].motion !== null", timeout=FIRST_FRAME_MS)
    await asyncio.sleep(seconds[0])
    await page.evaluate("() => { meter.swipes = []; meter.stalls = [] }")
    seen = await swipe_all(page, seconds[1:])
    heard.shown_bytes = await page.evaluate("usedBytes()")
    await page.close()
    return figures(seen, seconds[1:], heard)


def figures(seen: dict[str, Any], seconds: list[float], heard: Heard) -> dict[str, Any]:
    """One row of the table."""
    pairs = list(zip(seen["swipes"], seconds, strict=True))
    pictures, motions = (
        [1000 * dwell if swipe[what] is None else swipe[what] for swipe, dwell in pairs]
        for what in ("picture", "motion")
    )
    stalls = [stall["ms"] for stall in seen["stalls"] if stall["ms"] >= STALL_MS]
    return {
        "swipes": len(pairs),
        "picture p50 ms": round(quantile(pictures, 0.5), 1),
        "picture p95 ms": round(quantile(pictures, 0.95), 1),
        "motion p50 ms": round(quantile(motions, 0.5), 1),
        "motion p95 ms": round(quantile(motions, 0.95), 1),
        "left before start": sum(swipe["motion"] is None for swipe in seen["swipes"]),
        f"stalls >= {STALL_MS} ms": len(stalls),
        "stalled ms": round(sum(stalls)),
        "MB fetched": round(heard.fetched_bytes / 1e6, 2),
        "waste %": round(100 * (1 - heard.shown_bytes / max(heard.fetched_bytes, 1)), 1),
    }


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The system's, headless."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield browser
        await browser.close()


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def measure(n: int, links: list[str], players: list[str]) -> dict[str, dict[str, Any]]:
    """Every player on every link, one after the other, on the same videos and the same schedule."""
    videos = shelf(n + 10)
    seconds = dwells(n + 1, Random(SEED))
    found: dict[str, dict[str, Any]] = {}
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        at = {"edge": await stack.enter_async_context(edge(videos, folder))}
        if shutil.which("nginx") and "hls.js on nginx" in players:
            at["nginx"] = await stack.enter_async_context(nginx(videos, folder / "nginx", free_port()))
        browser = await stack.enter_async_context(chromium())
        runs = {"ours": (ours, "edge"), "hls.js": (hls_js, "edge"), "hls.js on nginx": (hls_js, "nginx")}
        for link in links:
            for player in players:
                run, server = runs[player]
                if server not in at:
                    continue
                context = await browser.new_context(viewport=PHONE)
                found[f"{link}: {player}"] = await run(context, at[server], LINKS[link], seconds)
                print(f"{link}: {player}", found[f"{link}: {player}"], flush=True)
                await context.close()
    return found


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="12 swipes on LTE, ours and hls.js on the edge")
    parser.add_argument("--swipes", type=int, default=50)
    parser.add_argument("--links", nargs="+", choices=list(LINKS), default=list(LINKS))
    parser.add_argument("--players", nargs="+", default=["ours", "hls.js", "hls.js on nginx"])
    asked = parser.parse_args()
    if asked.quick:
        asked.swipes, asked.links, asked.players = 12, ["lte"], ["ours", "hls.js"]
    if not (MODULES / "hls.js").exists():
        print("hls.js left out: run `make npm`")
        asked.players = ["ours"]
    report.write("swipe-browser", asyncio.run(measure(asked.swipes, asked.links, asked.players)))


if __name__ == "__main__":
    main()
