"""Search, hashtags and profiles: on the real stack, and on the stand-in edge where it must fail."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import aiohttp
import msgspec
import pytest
from playwright.async_api import Page, Response, expect

from tests.browser.modules import run
from tests.browser.stand_in import StandIn
from tests.browser.viewer import Viewer
from tests.stack import Stack
from tests.waiting import eventually

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(180),
]

PLAYS = "headstart.swipes.at(-1).video === headstart.current.video && headstart.swipes.at(-1).first_frame_ms"


async def read(url: str) -> dict[str, Any]:
    """The JSON at `url`."""
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def search(page: Page, words: str) -> None:
    """Open the search page by its key and type."""
    await page.keyboard.press("/")
    await expect(page.locator("#page-search input")).to_be_focused()
    await page.keyboard.type(words)


async def is_found(stack: Stack, words: str, n_videos: int) -> bool:
    """Whether the real index has caught up."""
    found = await read(f"{stack.edge}/v1/search?q={words}")
    return found.get("origin") == "brain" and len(found["videos"]) >= n_videos


async def test_a_search_finds_a_video_while_one_types_and_plays_it(page: Page, stack: Stack) -> None:
    await eventually(lambda: is_found(stack, "maker_4", 1), within_s=60)
    viewer = Viewer(page)
    await viewer.open(stack.edge)
    await search(page, "maker_4")
    await expect(page.locator("#page-search .person")).to_have_attribute("href", "#user=maker_4")
    await page.locator("#page-search .cell[aria-label^='Clip 4,']").click()
    await viewer.shows(f"headstart.current.card.caption === 'Clip 4' && {PLAYS}")
    await viewer.shows("!headstart.player.video.paused && headstart.player.video.currentTime > 0")
    assert "#search=maker_4&v=" in page.url


async def test_a_hashtag_in_a_caption_opens_the_grid_of_its_videos(page: Page, stack: Stack) -> None:
    await eventually(lambda: is_found(stack, "%23lava", 3), within_s=60)
    video = (await read(f"{stack.edge}/v1/search?q=%23lava"))["videos"][0]["video"]
    viewer = Viewer(page)
    await viewer.open(f"{stack.edge}/#v={video}")
    await page.locator(".is-current .caption .tag").click()
    await expect(page.locator("#page-tag h1")).to_have_text("#lava")
    await expect(page.locator("#page-tag .cell")).to_have_count(3)
    assert await viewer.ask("headstart.player.video.paused")


async def test_a_profile_shows_their_videos_and_a_follow_reaches_the_origin(page: Page, stack: Stack) -> None:
    viewer = Viewer(page)
    await viewer.open(stack.edge)
    maker = await viewer.ask("headstart.current.card.creator_id")
    await page.locator(".is-current .handle").click()
    await expect(page.locator("#page-user h1")).to_have_text(f"@{maker}")
    videos = (await read(f"{stack.edge}/v1/users/{maker}/videos"))["items"]  # other tests publish some too
    await expect(page.locator("#page-user .cell")).to_have_count(len(videos))
    follow = page.locator("#page-user .follow")

    async def n_followers() -> int:
        return int((await read(f"{stack.origin}/v1/users/{maker}"))["followers"])

    n_before = await n_followers()
    await follow.click()
    await expect(follow).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#page-user .counts")).to_contain_text(f"{n_before + 1} Follower")
    await eventually(lambda: _is(n_followers, n_before + 1), within_s=30)
    await follow.click()
    await expect(follow).to_have_text("Follow")
    await eventually(lambda: _is(n_followers, n_before), within_s=30)


async def test_a_profile_goes_on_as_its_end_comes_near(page: Page, edge: StandIn) -> None:
    for video, reel in edge.reels.items():
        card = msgspec.structs.replace(reel.card, creator_id="ann", creator_name="Ann")
        edge.reels[video] = replace(reel, card=card)
    edge.page_videos = 2
    viewer = Viewer(page)
    await viewer.open(f"{edge.url}/#user=ann")
    cells = page.locator("#page-user .cell")
    await expect(cells).to_have_count(6)
    assert [await cells.nth(n).get_attribute("data-video") for n in range(6)] == list(edge.reels)
    await cells.nth(3).click()
    await viewer.shows(f"headstart.current.video === 'v3' && headstart.queue[0].video === 'v4' && {PLAYS}")


async def test_a_further_page_that_fails_can_be_asked_for_again(page: Page, edge: StandIn) -> None:
    for video, reel in edge.reels.items():
        edge.reels[video] = replace(reel, card=msgspec.structs.replace(reel.card, creator_id="ann"))
    edge.page_videos = 4
    await page.route("**/v1/users/ann/videos?*before=4*", lambda route: route.abort(), times=1)
    await Viewer(page).open(f"{edge.url}/#user=ann")
    more = page.get_by_role("button", name="Show more")
    await more.click()
    await expect(page.locator("#page-user .cell")).to_have_count(6)
    await expect(more).to_be_hidden()


async def _is(count: Any, wanted: int) -> bool:
    return bool(await count() == wanted)


async def test_back_leads_from_a_list_to_its_grid_and_to_the_place_in_the_feed(
    page: Page, edge: StandIn
) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    for _ in range(2):
        await viewer.held()
        await viewer.swipe()
    place = await viewer.ask("[headstart.current.video, headstart.player.index]")
    ahead = await viewer.ask("headstart.queue.map(({ video }) => video)")
    await page.locator("#tabs [data-page=search]").click()
    await page.locator("#page-search .cell[data-video=v4]").click()
    await viewer.shows(f"headstart.current.video === 'v4' && {PLAYS}")
    await page.keyboard.press("ArrowDown")
    await viewer.shows(f"headstart.current.video === 'v5' && {PLAYS}")
    assert page.url.endswith("#search&v=v5")
    await page.go_back()
    await expect(page.locator("#page-search .cell[data-video=v5]")).to_be_focused()
    await page.go_back()
    await viewer.shows(f"!headstart.player.isAway && {PLAYS} && !headstart.player.video.paused")
    assert await viewer.ask("[headstart.current.video, headstart.player.index]") == place
    assert set(await viewer.ask("headstart.queue.map(({ video }) => video)")) <= set(ahead) - {"v4", "v5"}
    await viewer.shows(
        "document.querySelector('.is-current').getBoundingClientRect().top"
        " === document.querySelector('#feed').getBoundingClientRect().top"
    )


async def test_the_feed_goes_on_at_the_second_at_which_it_was_left(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.ask("headstart.player.seek(2.5)")
    await viewer.shows("headstart.player.video.currentTime >= 2.5")
    await page.locator("#tabs [data-page=search]").click()
    await page.locator("#page-search .cell[data-video=v4]").click()
    await viewer.shows(f"headstart.current.video === 'v4' && {PLAYS}")
    await page.go_back()
    await page.go_back()
    await viewer.shows(f"headstart.current.video === 'v0' && {PLAYS}")
    await viewer.shows("headstart.player.video.currentTime >= 2.5 && !headstart.player.video.paused")

    played = await viewer.ask(
        "[...Array(headstart.player.video.played.length).keys()]"
        ".map((i) => [headstart.player.video.played.start(i), headstart.player.video.played.end(i)])"
    )
    assert not any(start <= 1.5 < end for start, end in played)


async def test_the_edge_is_told_what_comes_in_a_list_and_in_the_feed_nothing(
    page: Page, edge: StandIn
) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await page.locator("#tabs [data-page=search]").click()
    await page.locator("#page-search .cell[data-video=v3]").click()
    await viewer.shows(f"headstart.current.video === 'v3' && {PLAYS}")
    await eventually(lambda: bool(_told(edge, "v3")))
    assert [state["next"][:2] for state in _told(edge, "v3")] == [["v4", "v5"]] * len(_told(edge, "v3"))
    await page.go_back()
    await page.go_back()
    await viewer.shows(f"!headstart.player.isAway && {PLAYS}")
    await viewer.held(1)
    swiped = (await viewer.swipe())["video"]
    await eventually(lambda: bool(_told(edge, swiped)))
    assert all("next" not in state for state in _told(edge, swiped))


def _told(edge: StandIn, video: str) -> list[dict[str, Any]]:
    """The player's states with this video on screen."""
    states = (post.get("player", {}) for post in edge.posts)
    return [state for state in states if state.get("video") == video]


async def test_a_swipe_in_a_list_finds_its_opening_planned_and_preloaded(page: Page, stack: Stack) -> None:
    await eventually(lambda: is_found(stack, "%23lava", 3), within_s=60)
    found = await read(f"{stack.edge}/v1/search?q=%23lava")
    first, second = [one["video"] for one in found["videos"]][:2]
    answers: list[Response] = []
    page.on("response", lambda one: answers.append(one) if "/v1/" in one.url else None)
    viewer = Viewer(page)
    await viewer.open(stack.edge)
    await page.evaluate("location.hash = '#tag=lava'")
    await page.locator(f"#page-tag .cell[data-video='{first}']").click()
    await viewer.shows(f"headstart.current.video === '{first}' && {PLAYS}")
    await eventually(lambda: _is_planned(answers, first, second))
    await viewer.held(1)

    swipe = await viewer.swipe()

    assert swipe["video"] == second
    assert swipe["from"] == "player"


async def _is_planned(answers: list[Response], screen: str, wanted: str) -> bool:
    """Whether an answer to a player in a list at `screen` plans the opening of `wanted`."""
    for one in answers:
        if not one.url.endswith(("/v1/events", "/v1/plan")) or one.request.method != "POST":
            continue
        body = json.loads(one.request.post_data or "{}")
        state = body.get("player", body)
        if state.get("video") == screen and state.get("next", [""])[0] == wanted:
            told = await one.json()
            plan = told.get("feed", told)["plan"]
            if any(step["video"] == wanted and step["chunk"] == 0 for step in plan):
                return True
    return False


async def test_keys_alone_search_walk_the_grid_play_and_return(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await search(page, "clip")
    await expect(page.locator("#page-search .cell[data-video=v4]")).to_have_attribute(
        "href", "#search=clip&v=v4"
    )
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#page-search .chip")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#page-search .cell[data-video=v4]")).to_be_focused()
    await page.keyboard.press("Enter")
    await viewer.shows(f"headstart.current.video === 'v4' && {PLAYS}")
    await page.keyboard.press("Space")
    await viewer.shows("headstart.player.video.paused")
    await page.keyboard.press("Escape")
    await expect(page.locator("#page-search .cell[data-video=v4]")).to_be_focused()
    await page.keyboard.press("Escape")
    await viewer.shows(f"headstart.current.video === 'v0' && !headstart.player.isAway && {PLAYS}")
    await viewer.held()
    assert (await viewer.swipe())["video"] == "v1"


async def test_an_answer_for_former_words_is_given_up(page: Page, edge: StandIn) -> None:
    edge.held_words["c"] = asyncio.Event()
    await Viewer(page).open(edge.url)
    async with page.expect_request("**/v1/search?q=c&*") as asked:
        await search(page, "c")
    request = await asked.value
    async with page.expect_event("requestfailed", lambda failed: failed is request):
        await page.keyboard.type("lip v3")
    await expect(page.locator("#page-search .cell")).to_have_count(1)
    edge.held_words["c"].set()
    assert page.url.endswith("#search=clip+v3")


async def test_nothing_found_and_an_edge_that_is_away_are_said(page: Page, edge: StandIn) -> None:
    await Viewer(page).open(edge.url)
    await search(page, "zebra")
    await expect(page.locator("#page-search [role=status] h2")).to_have_text("Nothing found for “zebra”")
    edge.is_down = True
    await page.keyboard.press("Control+a")
    await page.keyboard.type("clip")
    again = page.get_by_role("button", name="Try again")
    await expect(again).to_be_visible()
    edge.is_down = False
    await again.click()
    await expect(page.locator("#page-search .cell")).to_have_count(6)


async def test_a_link_into_a_list_plays_there_and_leads_up_to_its_page(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await page.goto(f"{edge.url}/#tag=loop&v=v3")
    await viewer.shows(f"headstart.current.video === 'v3' && {PLAYS}")
    await expect(page.locator(".list-name")).to_have_text("#loop")
    await page.locator(".list-back").click()
    await expect(page.locator("#page-tag .cell")).to_have_count(6)
    await page.locator("#page-tag [data-back]").click()
    await viewer.shows(f"headstart.current.video === 'v0' && !headstart.player.isAway && {PLAYS}")


async def test_back_to_a_feed_that_a_link_began_is_the_place_that_was_swiped_to(
    page: Page, edge: StandIn
) -> None:
    viewer = Viewer(page)
    await viewer.open(f"{edge.url}/#v=v2")
    await viewer.held()
    swiped = (await viewer.swipe())["video"]
    await page.locator("#tabs [data-page=search]").click()
    await page.go_back()
    await viewer.shows("!headstart.player.video.paused")
    assert not await viewer.ask("headstart.player.isAway")
    assert await viewer.current() == swiped


async def test_a_page_that_is_opened_leaves_nothing_of_the_player_to_the_keyboard(
    page: Page, edge: StandIn
) -> None:
    viewer = Viewer(page)
    await viewer.open(f"{edge.url}/#user=maker_2")
    await expect(page.locator("#page-user .cell")).to_have_count(1)
    await page.keyboard.press("l")
    await page.keyboard.press("ArrowDown")
    for _ in range(9):
        await page.keyboard.press("Tab")
        assert not await viewer.ask("document.activeElement.closest('#feed, .top, .steps')")
    assert await viewer.current() == "v0"
    assert [event for event in edge.events if event["kind"] == "like"] == []
    assert await viewer.ask("headstart.player.video.paused")


async def test_a_route_and_its_hash_are_the_same(modules: Page) -> None:
    body = "return f.hashes.map((hash) => m.format(m.parse(hash)));"
    hashes = ["", "#search", "#search=a+%23b", "#tag=lava&v=v1", "#user=%C3%A9va", "#sound=v1&v=v2"]
    hashes += ["#v=v1", "#search&v=v1"]
    assert await run(modules, "player/routes.js", body, hashes=hashes) == hashes


async def test_a_hash_that_names_nothing_is_the_feed(modules: Page) -> None:
    body = "return f.hashes.map((hash) => m.format(m.parse(hash)));"
    hashes = ["#tag=", "#user", "#what=ever", "#v=../etc", "#tag=a&v=<b>"]
    assert await run(modules, "player/routes.js", body, hashes=hashes) == ["", "", "", "", "#tag=a"]


async def test_arrows_walk_a_grid_and_stop_at_its_edges(modules: Page) -> None:
    body = "return f.moves.map(([at, key]) => m.neighbour(at, key, 3, 7));"
    moves = [
        [0, "ArrowRight"],
        [4, "ArrowUp"],
        [3, "ArrowDown"],
        [6, "ArrowDown"],
        [0, "ArrowLeft"],
        [2, "End"],
    ]
    assert await run(modules, "player/grid.js", body, moves=moves) == [1, 1, 6, -1, -1, 6]
