"""The scroll position follows the player: one key is one video, whatever the page does meanwhile."""

import pytest
from playwright.async_api import Page

from tests.bench.swipe_browser.shelf import shelf
from tests.browser.reels import reels
from tests.browser.stand_in import StandIn
from tests.browser.viewer import Viewer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(180),
]

SWIPED = "headstart.swipes.map(({ video }) => video)"
IS_THERE = """(() => {
    const top = (selector) => document.querySelector(selector).getBoundingClientRect().top;
    const isAtTop = Math.abs(top('.slide.is-current') - top('#feed')) < 1;
    return isAtTop && document.querySelector('.slide.is-current').dataset.video === headstart.current.video;
})()"""
MAX_SLIDES = 2 * 20 + 1 + 11
N_SWIPES = 44


async def test_a_swipe_while_the_page_is_frozen_is_one_swipe(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.held()
    await viewer.ask(
        "(() => { headstart.player.next();"
        " for (const end = performance.now() + 1500; performance.now() < end; ); })()"
    )
    await viewer.shows(IS_THERE)
    assert await viewer.ask(SWIPED) == ["v0", "v1"]


async def test_keys_pressed_fast_lead_straight_to_the_last_video(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.held(3)
    for _ in range(3):
        await page.keyboard.press("ArrowDown")
    await viewer.shows(f"headstart.current.video === 'v3' && {IS_THERE}")
    assert await viewer.ask(SWIPED) == ["v0", "v1", "v2", "v3"]


async def test_a_window_that_is_turned_stays_at_its_video(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    for _ in range(3):
        await viewer.held(1)
        await viewer.swipe()
    await viewer.shows(IS_THERE)
    await page.set_viewport_size({"width": 844, "height": 390})
    await viewer.shows(f"innerWidth === 844 && {IS_THERE}")
    await page.set_viewport_size({"width": 390, "height": 844})
    await viewer.shows(f"innerWidth === 390 && {IS_THERE}")
    assert len(await viewer.ask(SWIPED)) == 4


async def test_old_slides_are_let_go_and_the_one_on_screen_stays(page: Page, edge: StandIn) -> None:
    edge.reels = shelf(N_SWIPES + 20, reels())
    edge.queue = list(edge.reels)
    viewer = Viewer(page)
    await viewer.open(edge.url)
    for number in range(1, N_SWIPES + 1):
        await viewer.shows("headstart.queue.length > 0")
        await page.keyboard.press("ArrowDown")
        await viewer.shows(f"headstart.current.video === 'clip{number:03}' && {IS_THERE}")
    await viewer.shows(f"document.querySelectorAll('.slide').length <= {MAX_SLIDES}")
    await viewer.shows(IS_THERE)
    assert await viewer.ask(SWIPED) == [f"clip{number:03}" for number in range(N_SWIPES + 1)]
