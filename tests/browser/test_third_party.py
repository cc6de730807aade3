"""Players of others, from npm and pinned, play an edge's HLS playlists, and the same objects as DASH.

The product writes no MPD; the one here is made of a card, to show that the stored form is DASH's too.
"""

import json
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from playwright.async_api import Page, Route

from tests.browser.node import MODULES, needs_npm
from tests.stack import Stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(180),
    needs_npm,
]

PAGE = "<!doctype html><video muted playsinline width=360 height=640></video><script src='/lib.js'></script>"
PLAYERS = {
    "hls.js": (
        "hls.js/dist/hls.min.js",
        "const hls = new Hls(); hls.loadSource(url); hls.attachMedia(video);"
        "hls.on(Hls.Events.ERROR, (_, e) => e.fatal && failed(e.details));",
    ),
    "shaka": (
        "shaka-player/dist/shaka-player.compiled.js",
        "shaka.polyfill.installAll(); const player = new shaka.Player(); "
        "player.attach(video).then(() => player.load(url)).catch((e) => failed('shaka ' + e.code));",
    ),
    "video.js": (
        "video.js/dist/video.min.js",
        "const player = videojs(video, { html5: { vhs: { overrideNative: true } } });"
        "player.src({ src: url, type: 'application/x-mpegURL' });"
        "player.on('error', () => failed(player.error().message));",
    ),
    "dash.js": (
        "dashjs/dist/modern/umd/dash.all.min.js",
        "const player = dashjs.MediaPlayer().create(); player.initialize(video, url, false);"
        "player.on('error', ({ error }) => failed(error.message));",
    ),
}


def mpd(card: dict[str, Any]) -> str:
    """A video on demand of SegmentLists: the opening object holds the init segment and the first one."""
    total_s = card["duration_ms"] / 1000
    sets = []
    for rung in card["rungs"]:
        base, init = f"/v/{card['id']}/{rung['path']}/", rung["init_bytes"]
        urls = [f'<SegmentURL media="{base}open.mp4" mediaRange="{init}-{rung["open_bytes"] - 1}"/>']
        urls += [f'<SegmentURL media="{base}{n}.m4s"/>' for n in range(1, len(rung["chunk_bytes"]))]
        sets.append(
            f'<Representation id="{rung["name"]}" bandwidth="{rung["bandwidth_bps"]}" width="{rung["width"]}"'
            f' height="{rung["height"]}" codecs="{rung["codecs"]}">'
            f'<SegmentList timescale="1000" duration="1000"><Initialization sourceURL="{base}open.mp4"'
            f' range="0-{init - 1}"/>{"".join(urls)}</SegmentList>'
            "</Representation>"
        )
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" minBufferTime="PT1S"'
        f' profiles="urn:mpeg:dash:profile:full:2011" mediaPresentationDuration="PT{total_s}S"><Period>'
        f'<AdaptationSet mimeType="video/mp4" segmentAlignment="true">{"".join(sets)}</AdaptationSet>'
        "</Period></MPD>"
    )


async def first_item(stack: Stack) -> dict[str, Any]:
    """A video that the edge plays."""
    async with aiohttp.ClientSession() as http, http.post(f"{stack.edge}/v1/sessions") as answer:
        item: dict[str, Any] = (await answer.json())["feed"]["items"][0]
        return item


@pytest.mark.parametrize("name", PLAYERS)
async def test_another_player_plays_an_edges_objects(name: str, page: Page, stack: Stack) -> None:
    file, script = PLAYERS[name]
    item = await first_item(stack)
    kinds = {
        "/lib.js": "text/javascript",
        "/other.html": "text/html",
        "/manifest.mpd": "application/dash+xml",
    }
    bodies = {
        "/lib.js": (MODULES / file).read_text("utf-8"),
        "/other.html": PAGE,
        "/manifest.mpd": mpd(item["card"]),
    }

    async def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        await route.fulfill(body=bodies[path], content_type=kinds[path])

    for path in bodies:
        await page.route(f"**{path}", answer)
    await page.goto(f"{stack.edge}/other.html")
    url = json.dumps("/manifest.mpd" if name == "dash.js" else item["master"])
    await page.evaluate(
        f"() => {{ const url = {url}, video = document.querySelector('video'); window.failure = '';"
        f"const failed = (why) => (window.failure ||= String(why || 'failed')); {script}"
        "video.muted = true; video.addEventListener('canplay', () => video.play(), { once: true }); }"
    )
    await page.wait_for_function(
        "() => window.failure || document.querySelector('video').ended"
        " || document.querySelector('video').currentTime > 3.2",
        timeout=90_000,
    )
    assert await page.evaluate("window.failure") == ""
    assert await page.evaluate("document.querySelector('video').videoWidth") > 0
