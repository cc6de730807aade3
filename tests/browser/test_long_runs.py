"""A player that is used hard and long: bursts of swipes, hundreds of them, and what a closed one leaves."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Page

from shared.web import serve
from tests.browser.embed import PLAYS, embed, shows
from tests.browser.reels import Reel, reels
from tests.browser.stand_in import StandIn
from tests.waiting import eventually

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),
]

N_VIDEOS = 48
N_ELEMENTS = 5
N_SWIPES = 300
MAX_HEAP_BYTES = 2_000_000
"""That the page may grow by from the hundredth swipe on: what the engine makes ready, not what we keep."""
COUNT = """
  window.urls = new Set(); window.intervals = new Set();
  const { createObjectURL, revokeObjectURL } = URL, { setInterval, clearInterval } = window;
  URL.createObjectURL = (of) => { const url = createObjectURL.call(URL, of); urls.add(url); return url; };
  URL.revokeObjectURL = (url) => { urls.delete(url); revokeObjectURL.call(URL, url); };
  window.setInterval = (...told) => { const id = setInterval(...told); intervals.add(id); return id; };
  window.clearInterval = (id) => { intervals.delete(id); clearInterval(id); };
"""


@pytest_asyncio.fixture(loop_scope="session")
async def carousel() -> AsyncIterator[StandIn]:
    """An edge whose videos never end."""
    made = {}
    for number in range(N_VIDEOS):
        reel = reels()[number % len(reels())]
        card = msgspec.structs.replace(reel.card, id=f"w{number:02}")
        made[card.id] = Reel(card, reel.files)
    stand_in = StandIn(made, is_endless=True)
    server = await serve(stand_in.app(), "127.0.0.1:0")
    stand_in.url = server.url
    yield stand_in
    await server.stop(0.2)


async def burst(page: Page, step: int, n_swipes: int, every_ms: int) -> None:
    """So many swipes, one each `every_ms`, where there is a video to swipe to."""
    await page.evaluate(
        "([step, n, ms]) => new Promise((done) => { let left = n; const timer = setInterval(() => {"
        "  const to = feed.index + step; if (!feed.entries[to]) return feed.step(step);"
        "  feed.step(step); if (--left === 0) { clearInterval(timer); done(); } }, ms); })",
        [step, n_swipes, every_ms],
    )


async def counts(page: Page) -> dict[str, float]:
    """Listeners, nodes and heap of the page, after a collection."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Performance.enable")
    for _ in range(2):
        await devtools.send("HeapProfiler.collectGarbage")
    metrics: list[dict[str, Any]] = (await devtools.send("Performance.getMetrics"))["metrics"]
    await devtools.detach()
    return {one["name"]: one["value"] for one in metrics}


async def test_twenty_swipes_in_two_seconds_and_back_end_on_a_video_that_plays(
    page: Page, carousel: StandIn
) -> None:
    await embed(page, carousel.url)
    await shows(page, "feed.entries.length > 4")
    await burst(page, 1, 20, 100)
    await shows(page, f"feed.index === 20 && {PLAYS}")
    await burst(page, -1, 20, 100)
    await shows(page, f"feed.index === 0 && {PLAYS}")
    assert await page.evaluate("document.querySelectorAll('video').length") <= N_ELEMENTS
    await shows(page, "[...document.querySelectorAll('video')].filter((v) => !v.paused).length === 1")
    shown = [event["video"] for event in carousel.events if event["kind"] == "impression"]
    await eventually(lambda: len({event["id"] for event in carousel.events}) == len(carousel.events) >= 80)
    assert shown[:3] == ["w00", "w01", "w02"]
    told = [post for post in carousel.posts if len(post["events"]) > 64 or len(post.get("qoe", ())) > 16]
    assert told == []


async def test_three_hundred_swipes_leave_no_listener_no_url_and_no_node_behind(
    page: Page, carousel: StandIn
) -> None:
    await page.add_init_script(COUNT)
    await embed(page, carousel.url)
    await burst(page, 1, 100, 50)
    before = await counts(page)
    await burst(page, 1, N_SWIPES, 50)
    await shows(page, PLAYS)
    after = await counts(page)
    assert await page.evaluate("urls.size") <= N_ELEMENTS
    assert await page.evaluate("document.querySelectorAll('video').length") <= N_ELEMENTS
    assert after["JSEventListeners"] <= before["JSEventListeners"] + 20
    assert after["Nodes"] <= before["Nodes"] + 20
    assert after["JSHeapUsedSize"] - before["JSHeapUsedSize"] < MAX_HEAP_BYTES
    assert await page.evaluate("feed.entries.length") < 200
    await shows(page, "feed.entries.length < 80")


async def test_a_player_that_is_closed_tells_the_last_watch_and_keeps_nothing(
    page: Page, carousel: StandIn
) -> None:
    await page.add_init_script(COUNT)
    await embed(page, carousel.url)
    await burst(page, 1, 3, 100)
    await shows(page, PLAYS)
    last = await page.evaluate("feed.current.item.video")
    await eventually(lambda: carousel.n_listening == 1)
    await page.evaluate(
        "feed.close(); feed.close(); feed.next(); feed.sync(); dispatchEvent(new Event('online'))"
    )
    await eventually(lambda: carousel.n_listening == 0)
    await eventually(
        lambda: [e for e in carousel.events if e["kind"] == "watch" and e["video"] == last] != []
    )
    assert await page.evaluate("[urls.size, intervals.size, document.querySelector('video')]") == [0, 0, None]
    assert await page.evaluate("[feed.index, feed.entries.length, feed.video === undefined]") == [-1, 0, True]
    await eventually(lambda: all(asked.is_whole or asked.is_aborted for asked in carousel.asked))
