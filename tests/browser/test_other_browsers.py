"""The ways of browsers with another media source, or none: a managed one as Safari's, HLS of their own."""

import dataclasses

import pytest
from playwright.async_api import Page

from tests.browser.embed import PLAYS, embed, shows
from tests.browser.reels import Reel
from tests.browser.stand_in import StandIn
from tests.waiting import eventually

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(120),
]

MANAGED = """
  window.managed = [];
  window.ManagedMediaSource = class extends MediaSource {
    constructor() { super(); this.streaming = true; managed.push(this); }
  };
  const own = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "srcObject");
  Object.defineProperty(HTMLMediaElement.prototype, "srcObject", {
    get() { return this.source ?? null; },
    set(source) {
      this.source = source;
      if (source && !this.disableRemotePlayback) throw new DOMException("to be cast", "NotSupportedError");
      if (source) this.src = URL.createObjectURL(source);
    },
  });
"""


def as_one_file(reel: Reel) -> Reel:
    """The reel with its lowest rung in one piece, for what plays no chunks."""
    rung = reel.card.rungs[0]
    names = ["open.mp4", *(f"{n}.m4s" for n in range(1, len(rung.chunk_bytes)))]
    whole = b"".join(reel.files[f"{rung.path}/{name}"] for name in names)
    return dataclasses.replace(reel, files=reel.files | {"whole.mp4": whole})


async def test_a_managed_media_source_is_preferred_and_fed(page: Page, edge: StandIn) -> None:
    await page.add_init_script(MANAGED)
    await embed(page, edge.url)
    await page.evaluate("feed.next()")
    await shows(page, f"feed.index === 1 && {PLAYS}")
    assert await page.evaluate("managed.length") >= 3
    assert await page.evaluate("feed.video.srcObject instanceof ManagedMediaSource")


async def test_nothing_is_fetched_while_a_managed_source_wants_nothing(page: Page, edge: StandIn) -> None:
    edge.slow["v0"] = 0.05
    await page.add_init_script(MANAGED)
    await embed(page, edge.url)
    await page.evaluate("feed.pause(); managed[0].streaming = false")
    await eventually(lambda: all(asked.is_whole or asked.is_aborted for asked in edge.asked))
    n_asked = len(edge.asked)
    await page.evaluate("for (let n = 0; n < 50; n += 1) dispatchEvent(new Event('online'))")
    await page.evaluate("feed.seek(0.2)")
    assert len(edge.asked) == n_asked
    await page.evaluate("managed[0].streaming = true")
    await eventually(lambda: len(edge.asked) > n_asked)


async def test_a_chunk_that_a_managed_source_let_go_is_fetched_again(page: Page, edge: StandIn) -> None:
    await page.add_init_script(MANAGED)
    await embed(page, edge.url)
    await shows(page, "feed.pool.lane(feed.current.key).clip.isWhole")
    await page.evaluate("feed.pause(); feed.seek(0.1)")
    n_asked = len(edge.asked)
    await page.evaluate(
        "() => new Promise((done) => { const [buffer] = managed[0].sourceBuffers;"
        "  buffer.addEventListener('updateend', () => {"
        "    buffer.dispatchEvent(new Event('bufferedchange')); done(); }, { once: true });"
        "  buffer.remove(2, 3); })"
    )
    await eventually(lambda: len(edge.asked) > n_asked)
    await shows(page, "feed.pool.lane(feed.current.key).clip.isWhole")
    await shows(page, "feed.video.buffered.length === 1")


NATIVE = """
  delete window.MediaSource;
  const { set, get } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "src");
  Object.defineProperty(HTMLMediaElement.prototype, "src", {
    get, set(url) { set.call(this, url.replace("master.m3u8", "whole.mp4")); }, configurable: true,
  });
"""
"""No media sources, and elements that play a playlist: a stand-in, for Chromium's own HLS refuses ours."""


async def test_without_a_media_source_the_browser_plays_the_playlist(page: Page, edge: StandIn) -> None:
    edge.reels |= {video: as_one_file(reel) for video, reel in edge.reels.items()}
    await page.add_init_script(NATIVE)
    await embed(page, edge.url)
    await page.evaluate("feed.next()")
    await shows(page, f"feed.index === 1 && {PLAYS}")
    assert {asked.path.rpartition("/")[2] for asked in edge.asked} == {"whole.mp4"}
    await eventually(lambda: [e["video"] for e in edge.events if e["kind"] == "watch"] == ["v0"])


async def test_a_playlist_that_the_network_fails_is_tried_again_and_not_taken_for_gone(
    page: Page, edge: StandIn
) -> None:
    edge.reels |= {video: as_one_file(reel) for video, reel in edge.reels.items()}
    await page.add_init_script(NATIVE)
    await page.route("**/v/v0/whole.mp4", lambda route: route.abort(), times=2)
    await embed(page, edge.url)
    assert await page.evaluate("feed.current.item.video") == "v0"
