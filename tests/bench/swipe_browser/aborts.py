"""`python -m tests.bench.swipe_browser.aborts`: how soon a swipe ends the requests that it makes pointless.

From the key to DevTools' `loadingFailed`, with media so slow that something is always under way; and how many
of these requests the server saw end early. DevTools' clock and the page's meet in the swipe's own POST.
"""

import asyncio
from typing import Any

from playwright.async_api import CDPSession, Page

from shared.web import serve
from tests.bench.swipe_browser.run import chromium
from tests.bench.swipe_browser.schedule import quantile
from tests.bench.swipe_browser.shelf import shelf
from tests.browser.conftest import PHONE
from tests.browser.stand_in import StandIn

N_SWIPES = 10
DWELL_S = 1.5
SETTLE_S = 0.5
SLOW_S = 0.12
"""For each 4 kB of media."""
KEY_MS = "addEventListener('keydown', (e) => (window.keyMs = e.timeStamp), { once: true, capture: true })"
POST_AFTER_KEY_MS = """() => performance.getEntriesByType('resource')
    .filter(({ name }) => name.includes('/v1/events')).at(-1).startTime - keyMs"""


async def one_swipe(page: Page, devtools: CDPSession) -> list[float]:
    """Milliseconds from the key to the end of each request that was given up."""
    ended: list[float] = []
    posted: list[float] = []

    def sent(event: dict[str, Any]) -> None:
        if event["request"]["url"].endswith("/v1/events"):
            posted.append(event["timestamp"])

    def failed(event: dict[str, Any]) -> None:
        if event.get("canceled"):
            ended.append(event["timestamp"])

    await page.evaluate(KEY_MS)
    devtools.on("Network.requestWillBeSent", sent)
    devtools.on("Network.loadingFailed", failed)
    await page.keyboard.press("ArrowDown")
    await asyncio.sleep(SETTLE_S)
    devtools.remove_listener("Network.requestWillBeSent", sent)
    devtools.remove_listener("Network.loadingFailed", failed)
    after_ms = await page.evaluate(POST_AFTER_KEY_MS)
    return [1000 * (at - posted[0]) + after_ms for at in ended] if posted else []


async def main() -> None:
    """Measure and print."""
    videos = shelf(2 * N_SWIPES)
    edge = StandIn(videos, slow=dict.fromkeys(videos, SLOW_S))
    server = await serve(edge.app(), "127.0.0.1:0")
    found: list[float] = []
    async with chromium() as browser:
        page = await (await browser.new_context(viewport=PHONE)).new_page()
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Network.enable")
        await page.goto(server.url)
        await page.wait_for_function("() => window.headstart?.swipes[0]?.first_frame_ms != null")
        for _ in range(N_SWIPES):
            await asyncio.sleep(DWELL_S)
            found += await one_swipe(page, devtools)
    await server.stop(0.2)
    n_seen = sum(asked.is_aborted for asked in edge.asked)
    print(f"{len(found)} requests given up in {N_SWIPES} swipes, the server saw {n_seen} end early")
    p50, p90 = quantile(found, 0.5), quantile(found, 0.9)
    print(f"ms after the key: p50 {p50:.0f}, p90 {p90:.0f}, most {max(found):.0f}")


if __name__ == "__main__":
    asyncio.run(main())
