"""What the player makes of an edge, a store and a page that do not keep their word."""

from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Page

from shared.web import serve
from tests.browser.embed import HTML, PLAYS, embed, shows
from tests.browser.stand_in import StandIn
from tests.waiting import eventually

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(120),
]

GARBAGE = {
    "no JSON": b"<html>Sign in to the hotel</html>",
    "null": b"null",
    "a list": b"[1, 2]",
    "no slice": b'{"accepted": 1}',
    "a slice without items": b'{"feed": {"items": null, "plan": 3}, "items": 7}',
    "items without cards": b'{"feed": {"items": [{}, null, {"video": "v"}], "plan": [4]},'
    b' "items": [4], "plan": []}',
}


def watched(edge: StandIn) -> list[Any]:
    """Videos whose watch has reached the edge."""
    return [event["video"] for event in edge.events if event["kind"] == "watch"]


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=list(GARBAGE))
async def test_garbage_for_an_answer_is_no_answer(garbage: bytes, page: Page, edge: StandIn) -> None:
    await embed(page, edge.url)
    await shows(page, "feed.entries.length > 4")
    edge.garbage = garbage
    n_posts = len(edge.posts)
    await page.evaluate("feed.next()")
    await shows(page, f"feed.index === 1 && {PLAYS}")
    await eventually(lambda: len(edge.posts) > n_posts)
    edge.garbage = b""
    await page.evaluate("feed.next()")
    await shows(page, f"feed.index === 2 && {PLAYS}")
    await eventually(lambda: watched(edge) == ["v0", "v1"])


async def test_a_session_without_a_token_is_asked_for_again(page: Page, edge: StandIn) -> None:
    await page.route("**/v1/sessions", lambda route: route.fulfill(json={"feed": edge.slice()}), times=1)
    await embed(page, edge.url)
    assert edge.n_sessions == 1


async def test_events_reach_an_edge_that_refuses_what_comes_with_them(page: Page, edge: StandIn) -> None:
    edge.refuses_state = True
    await embed(page, edge.url)
    await page.evaluate("feed.next()")
    await shows(page, f"feed.index === 1 && {PLAYS}")
    await page.evaluate("feed.note('like')")
    await eventually(lambda: "like" in {event["kind"] for event in edge.events})
    await eventually(lambda: watched(edge) == ["v0"])


async def test_a_store_that_is_full_stops_nothing(page: Page, edge: StandIn) -> None:
    await page.add_init_script(
        "let n = 0; const set = Storage.prototype.setItem; Storage.prototype.setItem = function (...told) {"
        " if (++n > 1) throw new DOMException('full', 'QuotaExceededError'); set.apply(this, told); };"
    )
    await embed(page, edge.url)
    await page.evaluate("feed.next()")
    await shows(page, f"feed.index === 1 && {PLAYS}")
    await eventually(lambda: watched(edge) == ["v0"])


async def test_a_page_whose_listener_fails_still_plays_and_is_told_of_its_fault(
    page: Page, edge: StandIn
) -> None:
    fault = "feed.on('show', () => { throw new Error('mine'); }); feed.on('list', () => nothing.at.all);"
    await page.add_init_script("window.faults = ''; window.reportError = (error) => { faults += error; };")
    await embed(page, edge.url, fault)
    await page.evaluate("feed.next()")
    await shows(page, f"feed.index === 1 && {PLAYS}")
    assert "mine" in await page.evaluate("faults")


async def test_a_video_that_is_withdrawn_while_it_plays_gives_way_to_the_next(
    page: Page, edge: StandIn
) -> None:
    await embed(page, edge.url)
    await shows(page, "feed.entries.length > 3")
    edge.queue.remove("v0")
    edge.notices += [("withdrawn", "no JSON"), ("withdrawn", '{"video": "v0"}')]
    await shows(page, f"feed.current.item.video === 'v1' && {PLAYS}")


async def test_the_last_video_of_a_feed_that_is_withdrawn_gives_way_once_there_is_another(
    page: Page, edge: StandIn
) -> None:
    edge.queue = ["v0"]
    await embed(page, edge.url)
    edge.queue = []
    edge.notices.append(("withdrawn", '{"video": "v0"}'))
    await shows(page, "feed.current.item.video === 'v0'")
    edge.queue = ["v3"]
    await shows(page, f"feed.current.item.video === 'v3' && {PLAYS}")


async def test_a_gone_video_is_not_asked_for_over_and_over_while_there_is_no_other(
    page: Page, edge: StandIn
) -> None:
    edge.queue, edge.gone = ["v0", "v1"], {"v0", "v1"}
    await page.goto(edge.url)
    await eventually(lambda: edge.version > 4)
    assert len(edge.opening_requests()) <= 4
    edge.queue = ["v3"]
    await page.wait_for_function("() => window.headstart?.current?.video === 'v3'")
    await page.wait_for_function("() => headstart.player.video?.currentTime > 0.1")


async def test_without_a_network_what_is_held_plays_and_the_rest_comes_with_it(
    page: Page, edge: StandIn
) -> None:
    await embed(page, edge.url)
    await shows(page, "feed.pool.ready(feed.entries.slice(1, 3)).length === 2")
    await page.context.set_offline(True)
    await page.evaluate("feed.next()")
    await shows(page, f"feed.index === 1 && {PLAYS}")
    await page.evaluate("feed.next(); feed.next(); feed.note('like')")
    await shows(page, "feed.index === 3")
    await page.context.set_offline(False)
    await shows(page, f"feed.index === 3 && {PLAYS}")
    await eventually(lambda: watched(edge) == ["v0", "v1", "v2"])
    assert [event["video"] for event in edge.events if event["kind"] == "like"] == ["v3"]


@pytest.mark.parametrize("is_home", [True, False], ids=["the edge's own page", "another origin's page"])
async def test_a_page_that_is_left_tells_the_last_watch_and_how_its_videos_went(
    is_home: bool, page: Page, edge: StandIn
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=HTML.replace("/player/", f"{edge.url}/player/"), content_type="text/html")

    app = web.Application()
    app.router.add_get("/", answer)
    other = await serve(app, "127.0.0.1:0")
    if is_home:
        await embed(page, edge.url)
    else:
        await page.add_init_script(f"window.options = {{ edge: '{edge.url}' }};")
        await page.goto(other.url)
        await shows(page, PLAYS)
    await eventually(lambda: edge.posts)
    await page.goto("about:blank")
    await eventually(lambda: watched(edge) == ["v0"])
    told = [one for post in edge.posts for one in post.get("qoe", ())]
    assert [one["video"] for one in told if one["is_shown"]] == ["v0"]
    assert all(one["wasted_bytes"] <= one["fetched_bytes"] for one in told)
    await other.stop(0.2)


@pytest.mark.parametrize("expired", ["open.mp4", "2.m4s"])
async def test_an_expired_signature_is_asked_for_anew_and_what_is_held_plays_on(
    expired: str, page: Page, edge: StandIn
) -> None:
    await page.route(f"**/v/v0/*/{expired}", lambda route: route.fulfill(status=403))
    await page.route(
        "**/signed/v/v0/**", lambda route: route.continue_(url=route.request.url.replace("/signed", ""))
    )
    await page.route("**/v1/videos/v0", lambda route: route.fulfill(json={"base": "/signed/v/v0/"}))
    await embed(page, edge.url)
    await page.evaluate("window.lane = feed.pool.lane(feed.current.key)")
    await shows(page, "feed.video.currentTime > 2.4")
    assert await page.evaluate("feed.pool.lane(feed.current.key) === window.lane")


async def test_a_video_whose_signature_is_refused_for_good_is_skipped(page: Page, edge: StandIn) -> None:
    await page.route("**/v/v0/*/open.mp4", lambda route: route.fulfill(status=403))
    await page.goto(edge.url)
    await page.wait_for_function("() => window.headstart?.current?.video === 'v1'")


async def test_a_new_session_is_listened_to(page: Page, edge: StandIn) -> None:
    await embed(page, edge.url)
    await eventually(lambda: edge.streams == ["a-token-1"])
    edge.refused_tokens.add("a-token-1")
    await page.evaluate("feed.next()")
    await eventually(lambda: edge.streams == ["a-token-1", "a-token-2"])


async def test_the_end_of_a_feed_is_told_and_what_comes_later_plays(page: Page, edge: StandIn) -> None:
    edge.queue = ["v0", "v1"]
    await embed(page, edge.url, "window.ends = 0; feed.on('empty', () => (window.ends += 1));")
    await page.evaluate("feed.next()")
    await shows(page, f"feed.index === 1 && {PLAYS}")
    await page.evaluate("feed.next(); feed.next()")
    assert await page.evaluate("[feed.index, window.ends]") == [1, 2]
    edge.queue.append("v4")
    await shows(page, "feed.entries.length === 3")
    await page.evaluate("feed.next()")
    await shows(page, f"feed.current.item.video === 'v4' && {PLAYS}")
