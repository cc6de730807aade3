"""The player in Chromium on the real stack: every process, every arrow, as a viewer sees it."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.viewer import Viewer
from tests.stack import Stack
from tests.waiting import eventually

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(180),
]


async def read(url: str) -> dict[str, Any]:
    """The JSON at `url`."""
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def test_each_swipe_plays_what_was_preloaded_from_the_edges_memory(page: Page, stack: Stack) -> None:
    viewer = Viewer(page)
    await viewer.open(stack.edge)
    for _ in range(4):
        await viewer.held()
        swipe = await viewer.swipe()
        assert (swipe["from"], swipe["tier"]) == ("player", "memory")
        assert swipe["why"]["text"]
    videos = await viewer.ask("headstart.swipes.map(({ video }) => video)")
    assert len(set(videos)) == 5


async def test_a_swipes_own_answer_is_the_next_slice(page: Page, stack: Stack) -> None:
    viewer = Viewer(page)
    await viewer.open(stack.edge)
    await viewer.held()
    first = await viewer.current()
    async with page.expect_response("**/v1/events") as caught:
        await viewer.swipe()
    answer = await (await caught.value).json()
    assert answer["rejected"] == []
    assert answer["accepted"] >= 2
    await viewer.shows(f"headstart.slice.version >= {answer['feed']['version']}")
    assert first not in [item["video"] for item in answer["feed"]["items"]]


async def test_what_a_viewer_likes_and_skips_changes_the_order_within_two_swipes(
    page: Page, stack: Stack
) -> None:
    viewer = Viewer(page)
    await viewer.open(stack.edge)
    await viewer.held()
    before = await viewer.ask("headstart.queue.map(({ video }) => video)")
    await page.keyboard.press("l")
    await viewer.shows("headstart.player.video.currentTime > 3.4")
    await viewer.swipe()
    await viewer.held()
    await viewer.swipe()
    expected = before[2:]
    await viewer.shows(
        f"headstart.queue.slice(0, {len(expected)}).map(({{ video }}) => video).join() !== {expected}.join()"
    )


async def test_a_like_and_a_comment_reach_the_catalogue_and_other_viewers(
    chromium: Browser, page: Page, stack: Stack
) -> None:
    viewer = Viewer(page)
    await viewer.open(stack.edge)
    video = await viewer.current()
    before = (await read(f"{stack.origin}/v1/videos/{video}"))["card"]
    await page.keyboard.press("l")
    await page.keyboard.press("c")
    await page.keyboard.type("hello from the browser")
    await page.keyboard.press("Enter")

    async def is_counted() -> bool:
        card = (await read(f"{stack.origin}/v1/videos/{video}"))["card"]
        return bool(card["likes"] == before["likes"] + 1 and card["comments"] == before["comments"] + 1)

    await eventually(is_counted)

    async def is_shown_at_the_edge() -> bool:  # asked as the page asks: the edge keeps an answer for 3 s
        return bool((await read(f"{stack.edge}/v1/videos/{video}/comments?limit=30"))["items"])

    await eventually(is_shown_at_the_edge)
    other = await chromium.new_page()
    await Viewer(other).open(f"{stack.edge}/#v={video}")
    await other.keyboard.press("c")
    await expect(other.locator("#comments .said")).to_contain_text(["hello from the browser"])
    await other.close()


async def test_a_killed_edge_stops_neither_the_video_nor_the_swiping(page: Page, stack: Stack) -> None:
    viewer = Viewer(page)
    await viewer.open(stack.edge)
    await viewer.held()
    killed = stack.kill("edge")
    swipe = await viewer.swipe()
    assert swipe["from"] == "player"
    await stack.back("edge", killed, within_s=60)
    await expect(page.locator("#offline")).not_to_have_class("is-shown", timeout=40_000)
    await viewer.held()
    assert (await viewer.swipe())["first_frame_ms"] < 5_000


async def test_an_upload_in_the_studio_is_live_and_then_plays_at_the_edge(
    page: Page, stack: Stack, clip: Path
) -> None:
    await page.goto(f"{stack.origin}/studio/")
    await page.set_input_files("#file", clip)
    await page.fill("#caption", "Made in the studio")
    await page.fill("#hashtags", "#test, studio")
    await page.fill("#creator", "studio_test")
    async with page.expect_response(lambda r: r.request.method == "PATCH") as caught:
        await page.click("#publish")
    video = (await caught.value).headers["headstart-video"]
    await expect(page.locator("body")).to_have_attribute("data-live", "yes", timeout=30_000)
    await expect(page.locator("#way .is-done")).to_have_count(4, timeout=60_000)
    await page.wait_for_function("() => document.querySelector('#screen').currentTime > 0")
    await expect(page.locator("#recent .caption").first).to_have_text("Made in the studio")
    await Viewer(page).open(f"{stack.edge}/#v={video}")
    assert await Viewer(page).current() == video
    assert await page.locator(".is-current .caption").inner_text() == "Made in the studio #test #studio"


async def test_a_sound_picked_in_the_studio_is_the_videos(page: Page, stack: Stack, clip: Path) -> None:
    await page.goto(f"{stack.origin}/studio/")
    pick = page.locator(".pick").first
    sound = await pick.get_attribute("data-sound")
    await pick.click()
    await expect(pick).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#sounds .note")).to_contain_text("Original sound")
    await page.set_input_files("#file", clip)
    await page.fill("#creator", "studio_test")
    async with page.expect_response(lambda r: r.request.method == "PATCH") as caught:
        await page.click("#publish")
    video = (await caught.value).headers["headstart-video"]
    await expect(page.locator("body")).to_have_attribute("data-live", "yes", timeout=30_000)
    told = await page.evaluate("url => fetch(url).then((r) => r.json())", f"/v1/videos/{video}")
    assert told["card"]["sound_id"] == sound


async def test_a_sound_that_does_not_exist_is_told_before_and_after_publishing(
    page: Page, stack: Stack, clip: Path
) -> None:
    await page.goto(f"{stack.origin}/studio/")
    await page.set_input_files("#file", clip)
    await page.fill("#creator", "studio_test")
    await page.fill("#sound", f"{stack.edge}/#sound=nothing")
    await page.keyboard.press("Tab")
    await expect(page.locator("#sounds .note")).to_have_text("no such video")
    await page.click("#publish")
    await expect(page.locator("#trouble p")).to_contain_text("there is no such video")


@pytest.mark.parametrize(
    ("body", "said"), [(b"<html>not a video</html>", "Unsupported media"), (b"", "Invalid request")]
)
async def test_the_studio_says_why_a_file_is_no_video(
    page: Page, stack: Stack, body: bytes, said: str
) -> None:
    await page.goto(f"{stack.origin}/studio/")
    await page.set_input_files("#file", {"name": "clip.mp4", "mimeType": "video/mp4", "buffer": body})
    await page.fill("#creator", "studio_test")
    await page.click("#publish")
    await expect(page.locator("#trouble h2")).to_contain_text(said)
    await expect(page.locator("#trouble p")).not_to_be_empty()
