"""Keys, touches, buttons and what a screen reader finds, against the stand-in edge."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.stand_in import StandIn
from tests.browser.viewer import Viewer
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LIKE = ".is-current .rail [data-command=like]"


def told(edge: StandIn, kind: str) -> list[str]:
    """Videos that events of this kind name."""
    return [event["video"] for event in edge.events if event["kind"] == kind]


async def test_a_like_shows_at_once_and_reaches_the_edge(page: Page, edge: StandIn) -> None:
    await Viewer(page).open(edge.url)
    await page.keyboard.press("l")
    await expect(page.locator(LIKE)).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(LIKE)).to_have_attribute("aria-label", "Like, 1,235")
    await eventually(lambda: told(edge, "like") == ["v0"])
    await page.locator(LIKE).click()
    await expect(page.locator(LIKE)).to_have_attribute("aria-pressed", "false")
    await eventually(lambda: told(edge, "unlike") == ["v0"])


async def test_a_double_tap_likes_and_never_unlikes(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await page.evaluate(
        "() => { window.hearts = 0; new MutationObserver((changes) => changes.forEach(({ addedNodes }) =>"
        " (window.hearts += [...addedNodes].filter((n) => n.classList?.contains('is-beating')).length)))"
        ".observe(document, { childList: true, subtree: true }); }"
    )
    await page.mouse.dblclick(190, 400)
    await viewer.shows("window.hearts === 1")
    await expect(page.locator(LIKE)).to_have_attribute("aria-pressed", "true")
    await page.mouse.dblclick(190, 400)
    await viewer.shows("window.hearts >= 2")  # a tap soon after the first like is one by itself
    await expect(page.locator(LIKE)).to_have_attribute("aria-pressed", "true")
    assert not await viewer.ask("headstart.player.video.paused")


async def test_a_flurry_of_taps_is_hearts_and_no_pause(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await page.evaluate(
        """async () => {
            const frame = document.querySelector('.is-current .frame');
            const tap = { bubbles: true, clientX: 190, clientY: 400 };
            for (let n = 0; n < 3; n += 1) frame.dispatchEvent(new MouseEvent('click', tap));
            window.nHearts = document.querySelectorAll('.is-beating').length;
            await new Promise((resolve) => setTimeout(resolve, 400)); // behind a pause that a tap would bring
        }"""
    )
    assert await viewer.ask("window.nHearts") == 2
    assert not await viewer.ask("headstart.player.isPaused")


async def test_a_tap_pauses_and_another_goes_on(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await page.mouse.click(190, 400)
    await viewer.shows("headstart.player.video.paused")
    await page.mouse.click(190, 400)
    await viewer.shows("!headstart.player.video.paused")


async def test_a_finger_swipes_to_the_next_video(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.held()
    await viewer.flick()
    await viewer.shows("headstart.current.video === 'v1' && headstart.swipes[1].first_frame_ms")
    assert await viewer.ask("headstart.swipes[1].from") == "player"


async def test_one_turn_of_the_wheel_is_one_swipe(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await page.mouse.move(190, 400)
    await page.mouse.wheel(0, 120)
    await viewer.shows("headstart.current.video === 'v1'")
    await viewer.shows("Math.abs(document.querySelector('.is-current').getBoundingClientRect().top) < 2")
    assert await viewer.current() == "v1"


async def test_keys_pause_unmute_and_show_the_overlay(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await page.keyboard.press("Space")
    await viewer.shows("headstart.player.video.paused")
    await page.keyboard.press("m")
    await viewer.shows("!headstart.player.video.muted")
    await page.keyboard.press("d")
    await expect(page.locator("#overlay [data-field=why]")).to_have_text("You watched lava to the end")
    await expect(page.locator("#overlay [data-field=from]")).to_have_text("memory")
    await expect(page.locator("#overlay tbody tr")).to_have_count(1)


async def test_follow_shows_on_both_buttons_and_is_kept(page: Page, edge: StandIn) -> None:
    await Viewer(page).open(edge.url)
    await page.keyboard.press("f")
    await expect(page.locator(".is-current .meta .follow")).to_have_text("Following")
    await eventually(lambda: told(edge, "follow") == ["v0"])
    await Viewer(page).open(f"{edge.url}/?again#v=v0")
    await expect(page.locator(".is-current .meta .follow")).to_have_text("Following")


async def test_less_like_this_leaves_and_takes_the_makers_other_videos_away(
    page: Page, edge: StandIn
) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await page.keyboard.press("x")
    await viewer.shows("headstart.current.video === 'v1'")
    await eventually(lambda: told(edge, "not_interested") == ["v0"])


async def test_comments_are_read_written_and_counted(page: Page, edge: StandIn) -> None:
    edge.comments["v0"] = [{"id": "c1", "user_id": "petri_dish", "text": "the blue one", "at_ms": 0}]
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await page.keyboard.press("c")
    await expect(page.locator("#comments li .said")).to_have_text(["the blue one"])
    await page.keyboard.type("j k l <b>")
    await page.keyboard.press("Enter")
    await expect(page.locator("#comments li .said")).to_have_text(["j k l <b>", "the blue one"])
    await eventually(lambda: [e["text"] for e in edge.events if e["kind"] == "comment"] == ["j k l <b>"])
    await page.keyboard.press("Escape")
    await expect(page.locator("#comments")).to_be_hidden()
    assert await viewer.current() == "v0"


async def test_older_comments_come_page_by_page_until_there_are_no_more(page: Page, edge: StandIn) -> None:
    edge.comments["v0"] = [
        {"id": f"c{n}", "user_id": "petri_dish", "text": f"said {n}", "at_ms": 0} for n in range(65)
    ]
    await Viewer(page).open(edge.url)
    await page.keyboard.press("c")
    older = page.get_by_role("button", name="Older comments")
    for n_shown in (30, 60):
        await expect(page.locator("#comments .said")).to_have_count(n_shown)
        await older.click()
    await expect(page.locator("#comments .said")).to_have_text([f"said {n}" for n in range(65)])
    await expect(older).to_be_hidden()


async def test_only_the_slide_on_screen_can_be_focused_and_every_control_has_a_name(
    page: Page, edge: StandIn
) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.held()
    assert await viewer.ask("document.querySelectorAll('.slide:not([inert])').length") == 1
    nameless = "[...document.querySelectorAll('button, [role], input')].filter((e) => !e.inert"
    nameless += " && !(e.ariaLabel || e.textContent.trim() || ['status', 'article'].includes(e.role))).length"
    assert await viewer.ask(nameless) == 0


async def test_reduced_motion_swipes_without_a_scroll_animation(chromium: Browser, edge: StandIn) -> None:
    context = await chromium.new_context(reduced_motion="reduce", viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await page.keyboard.press("ArrowDown")
    assert await viewer.ask("document.querySelector('#feed').scrollTop") == 800
    await context.close()
