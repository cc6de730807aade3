"""What is on screen at any size: nothing cut off, nothing upon another, odd names and numbers as well."""

from typing import Any

import msgspec
import pytest
from playwright.async_api import Browser, Page, expect

from shared.messages.catalog import TextTrack
from tests.browser.modules import run
from tests.browser.reels import Reel
from tests.browser.stand_in import StandIn
from tests.browser.viewer import Viewer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SIZES = [(390, 844), (320, 568), (820, 1180), (844, 390), (667, 375), (720, 1000), (1024, 640), (1440, 900)]
LONG = {
    "caption": "It goes on and on, " * 15,
    "creator_name": "a_name_of_sixty_four_characters_that_does_not_end_before_its_last",
    "likes": 1_234_567,
    "comments": 98_765,
    "shares": 1_000_000,
}
BOXES = """[...document.querySelectorAll(
    '.is-current :is(.rail, .meta, .who) > *, .top button, #tabs a, .steps button, .is-current .frame'
)].filter((one) => one.checkVisibility({ visibilityProperty: true })).map((one) => {
    const { left, top, right, bottom } = one.getBoundingClientRect();
    const name = `${one.className} ${one.dataset.command ?? ''} ${one.id}`.trim();
    return { name, box: [left, top, right, bottom] };
})"""


def change(edge: StandIn, video: str, **facts: Any) -> None:
    """Other words on a reel's card."""
    reel = edge.reels[video]
    edge.reels[video] = Reel(msgspec.structs.replace(reel.card, **facts), dict(reel.files))


def caption(edge: StandIn, video: str) -> None:
    """A reel with captions."""
    change(edge, video, text_tracks=[TextTrack("en", "English", "en.vtt")])
    edge.reels[video].files["en.vtt"] = b"WEBVTT\n\n00:00.000 --> 00:04.000\nround and round\n"


def overlap(one: list[float], other: list[float]) -> bool:
    """Whether two boxes share more than an edge."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width > 1 and height > 1


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_controls_are_on_screen_and_beside_each_other(
    chromium: Browser, edge: StandIn, width: int, height: int
) -> None:
    change(edge, "v0", **LONG)
    caption(edge, "v0")
    page = await chromium.new_page(viewport={"width": width, "height": height})
    viewer = Viewer(page)
    await viewer.open(edge.url)
    boxes = await viewer.ask(BOXES)
    await page.close()
    outside = [
        one["name"]
        for one in boxes
        if min(one["box"][:2]) < -1 or one["box"][2] > width + 1 or one["box"][3] > height + 1
    ]
    assert outside == []
    small = [one for one in boxes if one["name"] not in ("frame", "who")]
    pairs = [(a, b) for n, a in enumerate(small) for b in small[n + 1 :]]
    assert [(a["name"], b["name"]) for a, b in pairs if overlap(a["box"], b["box"])] == []


@pytest.mark.parametrize(("width", "height"), [(820, 1180), (844, 390), (1440, 900), (720, 1000)])
async def test_a_stage_beside_its_buttons_has_the_videos_form(
    chromium: Browser, edge: StandIn, width: int, height: int
) -> None:
    page = await chromium.new_page(viewport={"width": width, "height": height})
    viewer = Viewer(page)
    await viewer.open(edge.url)
    box = await page.locator(".is-current .frame").bounding_box()
    await page.close()
    assert box
    assert box["width"] / box["height"] == pytest.approx(9 / 16, rel=0.01)


async def test_a_long_caption_opens_and_closes_by_a_button_that_a_short_one_has_not(
    page: Page, edge: StandIn
) -> None:
    change(edge, "v0", **LONG)
    viewer = Viewer(page)
    await viewer.open(edge.url)
    more = page.locator(".is-current .more")
    before = await page.locator(".is-current .caption").bounding_box()
    await more.focus()
    await page.keyboard.press("Enter")
    await expect(more).to_have_attribute("aria-expanded", "true")
    await expect(more).to_have_text("less")
    after = await page.locator(".is-current .caption").bounding_box()
    assert before
    assert after
    assert after["height"] > before["height"]
    await more.click()
    await expect(more).to_have_text("more")
    assert not await viewer.ask("headstart.player.video.paused")
    await viewer.held(1)
    await viewer.swipe()
    await expect(page.locator(".is-current .more")).to_be_hidden()


async def test_words_from_right_to_left_run_from_right_to_left(page: Page, edge: StandIn) -> None:
    change(edge, "v0", caption="שלום עולם", creator_name="מיכל")
    await Viewer(page).open(edge.url)
    await expect(page.locator(".is-current .caption")).to_have_css("direction", "rtl")
    await expect(page.locator(".is-current .initial")).to_have_text("מ")


async def test_an_initial_is_one_whole_sign(modules: Page) -> None:
    names = ["maker", "x", "👩‍🚀astro", "éva", "", "日本"]
    body = "return f.names.map((name) => m.initial(name));"
    assert await run(modules, "player/words.js", body, names=names) == ["M", "X", "👩‍🚀", "É", "", "日"]


async def test_captions_have_a_button_where_a_video_has_some(page: Page, edge: StandIn) -> None:
    caption(edge, "v0")
    viewer = Viewer(page)
    await viewer.open(edge.url)
    button = page.get_by_role("button", name="Captions")
    await button.tap()
    await expect(button).to_have_attribute("aria-pressed", "true")
    await viewer.shows("headstart.player.video.textTracks[0].mode === 'showing'")
    await viewer.shows("headstart.player.video.textTracks[0].activeCues?.[0]?.snapToLines === false")
    await viewer.held(1)
    await viewer.swipe()
    await expect(button).to_be_hidden()


async def test_while_the_edge_is_there_nothing_tells_of_reconnecting(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await expect(page.locator("#offline")).to_be_hidden()
    edge.is_down = True
    await page.keyboard.press("l")
    await expect(page.locator("#offline")).to_be_visible()


async def test_a_position_is_told_while_it_is_dragged(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    box = await page.locator(".is-current .seek").bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    await page.mouse.move(box["x"] + box["width"] / 2, y)
    await page.mouse.down()
    await expect(page.locator(".is-current .clock")).to_have_css("opacity", "1")
    await expect(page.locator(".is-current .clock")).to_contain_text(" / 0:04")
    await page.mouse.up()
    await expect(page.locator(".is-current .clock")).to_have_css("opacity", "0")
