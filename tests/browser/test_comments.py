"""The comments sheet: what it covers, how it is opened and closed, who is who."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.modules import run
from tests.browser.stand_in import StandIn
from tests.browser.viewer import Viewer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SHEET = "#comments"


def said(user: str, text: str) -> dict[str, Any]:
    """A comment as an edge tells it."""
    return {"id": f"c-{user}", "user_id": user, "text": text, "at_ms": 0}


async def test_the_sheet_leaves_nothing_of_the_player_to_the_keyboard(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await page.keyboard.press("c")
    for _ in range(8):
        await page.keyboard.press("Tab")
        assert not await viewer.ask("document.activeElement.closest('#feed, .top, .steps, #tabs')")
    await page.locator(f"{SHEET} .close").focus()
    for key in ("ArrowDown", "x", "l", "d"):
        await page.keyboard.press(key)
    assert await viewer.current() == "v0"
    assert [event["kind"] for event in edge.events if event["kind"] in {"like", "not_interested"}] == []
    await expect(page.locator("#overlay")).to_be_hidden()


async def test_a_tap_opens_the_sheet_without_the_phones_keyboard_and_a_key_with_the_cursor_in_it(
    page: Page, edge: StandIn
) -> None:
    await Viewer(page).open(edge.url)
    button = page.locator(".is-current .rail [data-command=comments]")
    await button.tap()
    await expect(page.locator(f"{SHEET} h2")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator(SHEET)).to_be_hidden()
    await expect(button).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(f"{SHEET} input")).to_be_focused()


async def test_a_pull_at_its_head_and_a_tap_beside_it_close_the_sheet(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await page.keyboard.press("c")
    await viewer.shows("document.querySelector('#comments').getAnimations().length === 0")
    box = await page.locator(f"{SHEET} header").bounding_box()
    assert box
    await page.mouse.move(box["x"] + 60, box["y"] + 20)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 60, box["y"] + 220, steps=4)
    await page.mouse.up()
    await expect(page.locator(SHEET)).to_be_hidden()
    await page.keyboard.press("c")
    await expect(page.locator(SHEET)).to_be_visible()
    await page.mouse.click(190, 60)
    await expect(page.locator(SHEET)).to_be_hidden()
    assert not await viewer.ask("headstart.player.video.paused")


async def test_a_pull_closes_when_it_is_long_or_fast(modules: Page) -> None:
    body = "return f.pulls.map(([px, speed]) => m.closes(px, speed));"
    pulls = [[200, 0], [40, 0.1], [40, 1.2], [5, 3], [-300, -2]]
    assert await run(modules, "player/pull.js", body, pulls=pulls) == [True, False, True, False, False]


async def test_the_sheet_goes_when_its_video_does(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.held()
    await page.keyboard.press("c")
    await viewer.ask("headstart.player.drop(({ video }) => video === 'v0')")
    await expect(page.locator(SHEET)).to_be_hidden()
    assert await viewer.current() == "v1"


async def test_a_viewers_own_comments_are_theirs_after_a_reload_too(page: Page, edge: StandIn) -> None:
    edge.comments["v0"] = [said("viewer-1", "mine"), said("petri_dish", "שלום")]
    await Viewer(page).open(edge.url)
    await page.keyboard.press("c")
    await expect(page.locator(f"{SHEET} .name")).to_have_text(["you", "petri_dish"])
    await expect(page.locator(f"{SHEET} .said").nth(1)).to_have_css("direction", "rtl")
