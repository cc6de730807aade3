"""One player's page on an emulated link: opened until it plays, swiped, and what meter and DevTools saw.

The key press starts the clock; `meter.js` says what stops it. A swipe whose first frame did not come before
the next one counts as long as it lasted.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from playwright.async_api import BrowserContext, Page

from tests.bench.swipe_browser.account import KINDS, Fetched, media, wasted
from tests.bench.swipe_browser.schedule import quantile
from tests.browser.node import MODULES

HERE = Path(__file__).parent
METER = (HERE / "meter.js").read_text()
OURS = """window.onScreen = () => headstart.player.video;
    window.onScreenId = () => headstart.player.current.item.video"""
STALL_MS = 100
FIRST_FRAME_MS = 60_000


class Link(NamedTuple):
    """An emulated link."""

    bps: float
    rtt_ms: float


class Visit:
    """A page that is swiped. Invariant: what was measured is at hand at any moment."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.fetched: dict[str, Fetched] = {}
        """By DevTools' id of the request."""
        self.meter: dict[str, Any] = {"swipes": [], "stalls": [], "seen": {}}

    async def emulate(self, link: Link) -> None:
        """The page's link is emulated, and its bytes are counted."""
        session = await self.page.context.new_cdp_session(self.page)
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.dataReceived", self._received)
        session.on("Network.loadingFinished", self._finished)
        await session.send("Network.enable")
        rate = {"downloadThroughput": link.bps / 8, "uploadThroughput": link.bps / 8}
        await session.send(
            "Network.emulateNetworkConditions", {"offline": False, "latency": link.rtt_ms, **rate}
        )

    async def look(self) -> None:
        """Take over what the meter has seen so far."""
        self.meter = dict(await self.page.evaluate("() => meter"))

    def _sent(self, event: dict[str, Any]) -> None:
        if one := media(event["request"]["url"]):
            self.fetched[event["requestId"]] = one

    def _received(self, event: dict[str, Any]) -> None:
        if one := self.fetched.get(event["requestId"]):
            one.n_bytes += event["dataLength"]

    def _finished(self, event: dict[str, Any]) -> None:
        if one := self.fetched.get(event["requestId"]):
            one.is_whole = True


Opening = Callable[[BrowserContext, str, Link, int], Awaitable[Visit]]
"""Browser, URL of the server, link, number of videos: to the page with its first video playing."""


async def ours(context: BrowserContext, url: str, link: Link, n_videos: int) -> Visit:
    """The page of the edge."""
    del n_videos
    visit = Visit(await context.new_page())
    await visit.emulate(link)
    await visit.page.goto(url)
    await visit.page.evaluate(f"{METER}; {OURS}; 0")
    begun = "() => headstart.swipes[0]?.first_frame_ms != null"
    await visit.page.wait_for_function(begun, timeout=FIRST_FRAME_MS)
    return visit


async def hls_js(context: BrowserContext, url: str, link: Link, n_videos: int) -> Visit:
    """hls.js without prefetch on the same files."""
    visit = Visit(page := await context.new_page())
    await page.route("**/bench.html", lambda route: route.fulfill(path=HERE / "hls.html"))
    await page.route("**/hls.min.js", lambda route: route.fulfill(path=MODULES / "hls.js/dist/hls.min.js"))
    await visit.emulate(link)
    videos = json.dumps([f"clip{number:03}" for number in range(n_videos)])
    await page.add_init_script(f"window.videos = {videos}")
    await page.goto(f"{url}/bench.html")
    await page.evaluate(METER)
    await page.keyboard.press("ArrowDown")
    await page.wait_for_function("() => meter.swipes[0].motion !== null", timeout=FIRST_FRAME_MS)
    await page.evaluate("() => { meter.swipes = []; meter.stalls = [] }")
    return visit


def figures(visit: Visit, seconds: Sequence[float]) -> dict[str, Any]:
    """One row of the table, of the swipes so far; `seconds` is what the viewer stayed after each."""
    pairs = list(zip(visit.meter["swipes"], seconds, strict=False))
    pictures, motions = (
        [1000 * dwell if swipe[what] is None else swipe[what] for swipe, dwell in pairs]
        for what in ("picture", "motion")
    )
    stalls = [stall["ms"] for stall in visit.meter["stalls"] if stall["ms"] >= STALL_MS]
    all_bytes = sum(one.n_bytes for one in visit.fetched.values())
    kinds = wasted(visit.fetched.values(), visit.meter["seen"])
    share = {kind: round(100 * kinds[kind] / max(all_bytes, 1), 1) for kind in KINDS}
    return {
        "swipes": len(pairs),
        "picture p50 ms": round(quantile(pictures, 0.5), 1),
        "picture p95 ms": round(quantile(pictures, 0.95), 1),
        "motion p50 ms": round(quantile(motions, 0.5), 1),
        "motion p95 ms": round(quantile(motions, 0.95), 1),
        "left before start": sum(swipe["motion"] is None for swipe, _ in pairs),
        f"stalls >= {STALL_MS} ms": len(stalls),
        "stalled ms": round(sum(stalls)),
        "MB fetched": round(all_bytes / 1e6, 2),
        "waste %": round(100 * sum(kinds.values()) / max(all_bytes, 1), 1),
        **{f"{kind} %": value for kind, value in share.items()},
    }
