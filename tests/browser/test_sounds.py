"""A sound's page on the stand-in edge: what it tells, what plays from it, and when it cannot be told."""

from dataclasses import replace
from pathlib import Path

import aiohttp
import msgspec
import pytest
from playwright.async_api import Page, expect

from tests.browser.modules import run
from tests.browser.stand_in import StandIn
from tests.browser.test_pages import PLAYS, read
from tests.browser.viewer import Viewer
from tests.stack import Stack
from tests.waiting import eventually

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(180),
]

TITLE = "Rain on a tin roof"
PAGE = "#page-sound"


@pytest.fixture
def rain(edge: StandIn) -> StandIn:
    """Three of the six reels play the sound of v3."""
    for video in ("v0", "v3", "v5"):
        reel = edge.reels[video]
        card = msgspec.structs.replace(reel.card, sound_id="v3", sound_title=TITLE)
        edge.reels[video] = replace(reel, card=card)
    return edge


async def test_a_tap_on_the_sound_line_opens_whose_it_is_and_who_uses_it(page: Page, rain: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(rain.url)
    await page.locator(".is-current .sound").tap()
    await expect(page.locator(f"{PAGE} h1")).to_have_text(TITLE)
    await expect(page.locator(f"{PAGE} .maker")).to_have_attribute("href", "#user=maker_3")
    await expect(page.locator(f"{PAGE} .note").first).to_have_text("3 videos")
    await expect(page.locator(f"{PAGE} .cover img.is-loaded")).to_be_visible()
    await expect(page.locator(f"{PAGE} .cell")).to_have_count(3)
    await expect(page.locator(f"{PAGE} .cell").first).to_have_attribute(
        "aria-label", "Original: Clip v3 goes round and round, by maker_3, 1,234 likes"
    )
    await expect(page.locator(f"{PAGE} .original")).to_have_count(1)
    assert page.url.endswith("#sound=v3")
    assert await page.title() == f"{TITLE} · Headstart"
    assert await viewer.ask("headstart.player.video.paused")
    await page.locator(f"{PAGE} [data-back]").tap()
    await viewer.shows("headstart.current.video === 'v0' && !headstart.player.video.paused")


async def test_what_plays_from_a_sound_walks_its_videos_and_the_edge_is_told(
    page: Page, rain: StandIn
) -> None:
    viewer = Viewer(page)
    await viewer.open(rain.url)
    await page.locator(".is-current .sound").click()
    await page.locator(f"{PAGE} .cell[data-video=v0]").click()
    await viewer.shows(f"headstart.player.isAway && headstart.current.video === 'v0' && {PLAYS}")
    await expect(page.locator(".list-name")).to_have_text(TITLE)
    await viewer.held(1)
    await page.keyboard.press("ArrowDown")
    await viewer.shows(f"headstart.current.video === 'v5' && {PLAYS}")
    assert page.url.endswith("#sound=v3&v=v5")
    await eventually(lambda: ("v0", ["v5"]) in _told(rain))
    await page.go_back()
    await expect(page.locator(f"{PAGE} .cell[data-video=v5]")).to_be_focused()


def _told(edge: StandIn) -> list[tuple[str, list[str]]]:
    """What players said of a list: the video on screen, and the first that comes after it."""
    states = (post.get("player", {}) for post in edge.posts)
    return [(state["video"], state["next"][:1]) for state in states if "next" in state]


async def test_the_cover_plays_the_original(page: Page, rain: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(f"{rain.url}/#sound=v3")
    await page.locator(f"{PAGE} .cover").click()
    await viewer.shows(f"headstart.current.video === 'v3' && {PLAYS}")
    await page.locator(".list-back").click()
    await expect(page.locator(f"{PAGE} h1")).to_have_text(TITLE)


async def test_a_link_into_a_sound_plays_there_and_leads_up_to_its_page(page: Page, rain: StandIn) -> None:
    viewer = Viewer(page)
    await page.goto(f"{rain.url}/#sound=v3&v=v5")
    await viewer.shows(f"headstart.current.video === 'v5' && {PLAYS}")
    await page.locator(".list-back").click()
    await expect(page.locator(f"{PAGE} .cell")).to_have_count(3)
    await page.locator(f"{PAGE} [data-back]").click()
    await viewer.shows(f"!headstart.player.isAway && {PLAYS}")


async def test_a_sound_without_a_title_is_its_creators_and_leads_to_them_and_back(
    page: Page, edge: StandIn
) -> None:
    await Viewer(page).open(f"{edge.url}/#v=v2")
    line = page.locator(".is-current .sound")
    await expect(line).to_have_attribute("aria-label", "Sound: Original sound · maker_2")
    await line.click()
    await expect(page.locator(f"{PAGE} h1")).to_have_text("Original sound · maker_2")
    await expect(page.locator(f"{PAGE} .note").first).to_have_text("1 video")
    await page.locator(f"{PAGE} .maker").click()
    await expect(page.locator("#page-user h1")).to_have_text("@maker_2")
    await page.go_back()
    await expect(page.locator(f"{PAGE} h1")).to_have_text("Original sound · maker_2")


async def test_the_pages_of_a_sound_come_as_the_end_of_its_grid_comes_near(page: Page, rain: StandIn) -> None:
    rain.page_videos = 1
    viewer = Viewer(page)
    await viewer.open(f"{rain.url}/#sound=v3")
    cells = page.locator(f"{PAGE} .cell")
    await expect(cells).to_have_count(3)
    assert [await cells.nth(n).get_attribute("data-video") for n in range(3)] == ["v3", "v0", "v5"]
    await expect(page.locator(f"{PAGE} .original")).to_have_count(1)
    await cells.nth(1).click()
    await viewer.shows(f"headstart.current.video === 'v0' && headstart.queue[0].video === 'v5' && {PLAYS}")


async def test_the_page_of_a_real_edge_tells_of_a_videos_own_sound(page: Page, stack: Stack) -> None:
    video = (await read(f"{stack.edge}/v1/users/maker_3/videos"))["items"][0]["id"]
    viewer = Viewer(page)
    await viewer.open(f"{stack.edge}/#v={video}")
    await page.locator(".is-current .sound").tap()
    await expect(page.locator(f"{PAGE} h1")).to_have_text("Original sound · maker_3")
    await expect(page.locator(f"{PAGE} .maker")).to_have_text("@maker_3")
    await expect(page.locator(f"{PAGE} .cover img.is-loaded")).to_be_visible()
    await expect(page.locator(f"{PAGE} .cell").first).to_have_attribute("data-video", video)
    await page.locator(f"{PAGE} .cover").tap()
    await viewer.shows(f"headstart.player.isAway && headstart.current.video === '{video}' && {PLAYS}")


async def _upload(stack: Stack, clip: Path, sound: str) -> str:
    """A playable video of somebody's that plays another's sound."""
    form = aiohttp.FormData(
        {"caption": "With it", "creator": "sound_user", "category": "music", "sound": sound}
    )
    with clip.open("rb") as body:
        form.add_field("file", body, filename="clip.mp4", content_type="video/mp4")
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{stack.origin}/v1/videos", data=form) as answer,
        ):
            assert answer.status == 201, await answer.text()
            video = str((await answer.json())["id"])

    async def is_playable() -> bool:
        return "card" in await read(f"{stack.edge}/v1/videos/{video}")

    await eventually(is_playable, within_s=60)
    return video


async def test_a_video_that_uses_anothers_sound_is_behind_the_original(
    page: Page, stack: Stack, clip: Path
) -> None:
    source = (await read(f"{stack.edge}/v1/users/maker_5/videos"))["items"][0]["id"]
    video = await _upload(stack, clip, source)
    await Viewer(page).open(f"{stack.edge}/#v={video}")
    line = page.locator(".is-current .sound")
    await expect(line).to_have_attribute("aria-label", "Sound: Original sound · maker_5")
    await line.tap()
    await expect(page.locator(f"{PAGE} .note").first).to_have_text("2 videos")
    cells = page.locator(f"{PAGE} .cell")
    assert [await cells.nth(n).get_attribute("data-video") for n in range(2)] == [source, video]
    await expect(page.locator(f"{PAGE} .original")).to_have_count(1)


async def test_a_sound_outlives_its_original(page: Page, rain: StandIn) -> None:
    del rain.reels["v3"]
    rain.queue.remove("v3")
    await Viewer(page).open(f"{rain.url}/#sound=v3")
    await expect(page.locator(f"{PAGE} .gone")).to_be_visible()
    await expect(page.locator(f"{PAGE} .cell")).to_have_count(2)
    await expect(page.locator(f"{PAGE} .original")).to_have_count(0)
    assert await page.locator(f"{PAGE} .cover").get_attribute("href") is None


async def test_a_sound_that_is_not_there_and_an_edge_that_is_away_are_said(page: Page, rain: StandIn) -> None:
    await Viewer(page).open(f"{rain.url}/#sound=nothing")
    await expect(page.locator(f"{PAGE} [role=status] h2")).to_have_text("There is nothing here")
    rain.is_down = True
    await page.evaluate("location.hash = '#sound=v3'")
    again = page.get_by_role("button", name="Try again")
    await expect(again).to_be_visible()
    await expect(page.locator(f"{PAGE} .maker")).to_be_hidden()
    rain.is_down = False
    await again.click()
    await expect(page.locator(f"{PAGE} .cell")).to_have_count(3)
    await expect(page.locator(f"{PAGE} h1")).to_have_text(TITLE)


async def test_keys_alone_reach_a_sound_its_cover_its_creator_and_its_videos(
    page: Page, rain: StandIn
) -> None:
    viewer = Viewer(page)
    await viewer.open(rain.url)
    await page.locator(".is-current .sound").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(PAGE)).to_be_focused()
    await expect(page.locator(f"{PAGE} .cell")).to_have_count(3)
    for focused in ("[data-back]", ".cover", ".maker", ".cell[data-video=v3]"):
        await page.keyboard.press("Tab")
        await expect(page.locator(f"{PAGE} {focused}")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await viewer.shows(f"headstart.player.isAway && headstart.current.video === 'v0' && {PLAYS}")
    for _ in range(2):
        await page.keyboard.press("Escape")
    await viewer.shows(f"!headstart.player.isAway && {PLAYS}")


async def test_a_sound_of_another_video_is_not_called_its_users(modules: Page) -> None:
    body = "return f.of.map(([title, name]) => m.soundTitle(title, name));"
    of = [["Rain", "ann"], ["", "ann"], ["", ""]]
    assert await run(modules, "player/words.js", body, of=of) == [
        "Rain",
        "Original sound · ann",
        "Original sound",
    ]
