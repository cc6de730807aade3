"""The player in Chromium against the stand-in edge: order of requests, aborts, recovery, controls."""

import msgspec
import pytest
from playwright.async_api import Page, expect

from shared.messages.catalog import TextTrack
from shared.web import serve
from tests.browser.reels import Reel
from tests.browser.stand_in import StandIn
from tests.browser.viewer import Viewer
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_the_first_video_plays_by_itself_without_sound(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.shows("headstart.player.video.currentTime > 0.3 && !headstart.player.video.paused")
    assert await viewer.ask("headstart.player.video.muted")


async def test_the_video_on_screen_is_asked_for_before_those_that_are_preloaded(
    page: Page, edge: StandIn
) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.held(3)
    assert edge.opening_requests() == ["v0", "v1", "v2", "v3"]


async def test_a_swipe_plays_what_the_player_already_holds(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.held()
    swipe = await viewer.swipe()
    assert (swipe["video"], swipe["from"], swipe["tier"]) == ("v1", "player", "memory")
    assert edge.opening_requests().count("v1") == 1


async def test_a_preloaded_video_has_run_for_two_frames_and_stands_still(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    nexts = "[...document.querySelectorAll('.slide.is-current ~ .slide video')]"
    await viewer.shows(f"{nexts}.filter((v) => v.paused && v.currentTime > 0).length >= 2")
    assert await viewer.ask(f"{nexts}.every((v) => v.currentTime < 1)")
    await viewer.swipe()
    await viewer.shows("!headstart.player.video.paused && headstart.player.video.currentTime > 0.3")


async def test_a_swipe_back_plays_the_former_video_from_its_beginning(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.held()
    await viewer.swipe()
    await viewer.shows("headstart.player.entries[0] && headstart.player.video.currentTime > 0.6")
    swipe = await viewer.swipe("ArrowUp")
    assert (swipe["video"], swipe["from"]) == ("v0", "player")
    await viewer.shows("headstart.player.video.currentTime < 0.6")


async def test_a_swipe_is_one_post_with_the_watch_the_impression_and_what_is_held(
    page: Page, edge: StandIn
) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.held(3)
    n_before = len(edge.posts)
    await viewer.swipe()
    await eventually(lambda: len(edge.posts) > n_before)
    (post,) = edge.posts[n_before:]
    assert [(event["kind"], event["video"]) for event in post["events"]] == [
        ("watch", "v0"),
        ("impression", "v1"),
    ]
    assert 0 < post["events"][0]["completion"] < 1
    assert (post["current"], post["held"]) == ("v1", ["v2", "v3"])
    state = post["player"]
    assert state["video"] == "v1"
    assert {"video": "v2", "rung": "360p", "chunks": [[0, 0]]} in state["held"]
    assert state["bandwidth_bps"] > 0
    assert state["rtt_ms"] > 0


async def test_a_new_order_moves_what_is_further_down_but_not_what_is_held(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.held()
    edge.queue = ["v5", "v4", "v3", "v2", "v1", "v0"]
    await viewer.swipe()
    await viewer.shows("headstart.queue[1].video === 'v5'")
    assert await viewer.ask("headstart.queue.map(({ video }) => video)") == ["v2", "v5", "v4", "v3"]


async def test_a_swipe_gives_up_what_is_left_behind(page: Page, edge: StandIn) -> None:
    edge.slow["v0"] = 0.15
    viewer = Viewer(page)
    await page.goto(edge.url)
    await eventually(
        lambda: any(asked.path.endswith("v0/open.mp4") or "/v0/" in asked.path for asked in edge.asked)
    )
    await viewer.shows("headstart.queue.length > 2")
    await viewer.page.keyboard.press("ArrowDown")
    await viewer.page.keyboard.press("ArrowDown")
    await viewer.shows("headstart.current.video === 'v2'")
    await eventually(
        lambda: all(a.is_aborted for a in edge.asked if a.path.startswith("/v/v0/3")), within_s=3
    )
    assert any(asked.is_aborted for asked in edge.asked if asked.path.startswith("/v/v0/"))


async def test_a_fast_link_gets_a_better_picture_in_mid_video(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.shows("headstart.player.video.videoHeight === 960")


async def test_a_video_loops_and_the_loop_counts_as_watched(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.held()
    await viewer.shows("headstart.player.video.currentTime > 3.5")
    await viewer.shows("headstart.player.video.currentTime < 1 && !headstart.player.video.paused")
    await viewer.shows("headstart.player.video.currentTime > 0.7")
    await viewer.swipe()
    await eventually(lambda: [event for event in edge.events if event["kind"] == "watch"])
    (watch,) = [event for event in edge.events if event["kind"] == "watch"]
    assert watch["completion"] > 1
    assert watch["watched_ms"] > 4000


async def test_a_loop_keeps_the_quality_that_the_plan_had_reached(page: Page, edge: StandIn) -> None:
    low, high = edge.reels["v0"].card.rungs
    chunks = [(low, "open.mp4"), *((high, f"{n}.m4s") for n in (1, 2, 3))]
    edge.plan = [
        {"video": "v0", "url": f"/v/v0/{rung.path}/{name}", "rung": rung.name, "chunk": chunk, "bytes": 1}
        for chunk, (rung, name) in enumerate(chunks)
    ]
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.shows("headstart.player.video.videoHeight === 960")
    await viewer.shows("headstart.player.video.currentTime < 0.6")
    await viewer.shows(
        "headstart.player.video.currentTime > 0.7 && headstart.player.video.videoHeight === 960"
    )
    assert [a.path for a in edge.asked if "/v0/" in a.path].count(f"/v/v0/{high.path}/open.mp4") >= 2


async def test_a_video_that_is_gone_is_skipped(page: Page, edge: StandIn) -> None:
    edge.gone.add("v1")
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.shows("headstart.queue[0].video === 'v2'")
    assert (await viewer.swipe())["video"] == "v2"


async def test_a_feed_that_begins_with_a_gone_video_goes_on_to_the_next(page: Page, edge: StandIn) -> None:
    edge.gone.add("v0")
    viewer = Viewer(page)
    await viewer.page.goto(edge.url)
    await viewer.shows("headstart.current.video === 'v1' && headstart.player.video.currentTime > 0.1")


async def test_while_the_edge_is_away_held_videos_play_and_events_are_kept_and_sent_once(
    page: Page, edge: StandIn
) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.held()
    edge.is_down = True
    swipe = await viewer.swipe()
    assert (swipe["video"], swipe["from"]) == ("v1", "player")
    await expect(page.locator("#offline")).to_have_class("is-shown")
    assert (await viewer.swipe())["video"] == "v2"
    edge.is_down = False
    await expect(page.locator("#offline")).not_to_have_class("is-shown")
    await eventually(lambda: [e["video"] for e in edge.events if e["kind"] == "watch"] == ["v0", "v1"])
    assert len({event["id"] for event in edge.events}) == len(edge.events)
    assert (await viewer.swipe())["video"] not in {"v0", "v1", "v2"}


async def test_events_that_were_never_confirmed_survive_a_reload(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.held()
    edge.is_down = True
    await page.keyboard.press("l")
    await viewer.shows("localStorage['headstart.outbox'].includes('like')")
    edge.is_down = False
    await viewer.open(edge.url)
    await eventually(lambda: [event["video"] for event in edge.events if event["kind"] == "like"] == ["v0"])


async def test_an_expired_token_is_renewed_for_the_same_viewer(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await eventually(lambda: edge.posts)
    edge.refused_tokens.add("a-token-1")
    await viewer.swipe()
    await eventually(lambda: any(event["kind"] == "watch" for event in edge.events))
    assert edge.n_sessions == 2


async def test_when_the_edge_is_gone_the_next_one_of_the_region_takes_over(page: Page, edge: StandIn) -> None:
    other = StandIn(edge.reels)
    server = await serve(other.app(), "127.0.0.1:0")
    edge.edges = [server.url]
    viewer = Viewer(page)
    await viewer.open(edge.url)
    await viewer.held()
    edge.is_down = True
    await viewer.swipe()
    await eventually(lambda: any(event["kind"] == "watch" for event in other.events), within_s=40)
    await viewer.swipe()
    await viewer.swipe()
    await eventually(other.opening_requests, within_s=40)
    await expect(page.locator("#offline")).not_to_have_class("is-shown", timeout=40_000)
    await server.stop(0.2)


async def test_the_whole_page_can_be_used_by_the_keyboard_alone(page: Page, edge: StandIn) -> None:
    viewer = Viewer(page)
    await viewer.open(edge.url)
    reached = set()
    for _ in range(14):
        await page.keyboard.press("Tab")
        reached.add(await viewer.ask("document.activeElement.dataset.command ?? document.activeElement.role"))
    assert {"mute", "follow", "like", "comments", "share", "skip", "slider"} <= reached
    await page.locator(".is-current .rail [data-command=like]").focus()
    await page.keyboard.press("Enter")
    await eventually(lambda: [event["video"] for event in edge.events if event["kind"] == "like"] == ["v0"])
    await page.keyboard.press("ArrowDown")
    await viewer.shows("headstart.current.video === 'v1'")
    await page.keyboard.press("ArrowUp")
    await viewer.shows("headstart.current.video === 'v0'")


async def test_captions_of_a_video_are_shown_when_they_are_wanted(page: Page, edge: StandIn) -> None:
    reel = edge.reels["v0"]
    card = msgspec.structs.replace(reel.card, text_tracks=[TextTrack("en", "English", "en.vtt")])
    words = b"WEBVTT\n\n00:00.000 --> 00:04.000\nround and round\n"
    edge.reels["v0"] = Reel(card, reel.files | {"en.vtt": words})
    viewer = Viewer(page)
    await viewer.open(edge.url)
    assert not [asked for asked in edge.asked if asked.path.endswith(".vtt")]
    await page.keyboard.press("t")
    await viewer.shows("headstart.player.video.textTracks[0].activeCues?.[0]?.text === 'round and round'")
    await page.keyboard.press("t")
    await viewer.shows("headstart.player.video.textTracks[0].mode === 'disabled'")


async def test_an_empty_feed_waits_and_starts_by_itself(page: Page, edge: StandIn) -> None:
    queue, edge.queue = edge.queue, []
    await page.goto(edge.url)
    await expect(page.locator("#waiting")).to_be_visible()
    edge.queue = queue
    await Viewer(page).shows("headstart.current.video === 'v0' && headstart.player.video.currentTime > 0")
    await expect(page.locator("#waiting")).to_be_hidden()


async def test_a_link_to_a_video_shows_it_first(page: Page, edge: StandIn) -> None:
    await Viewer(page).open(f"{edge.url}/#v=v4")
    assert await Viewer(page).current() == "v4"
