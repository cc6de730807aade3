"""The page's and the studio's pure modules, run where they run: in Chromium."""

import pytest
from playwright.async_api import Page

from origin.packaging import blurhash
from tests.browser.modules import run

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_counts_are_short(modules: Page) -> None:
    body = "return [0, 999, 1000, 1234, 18200, 2500000].map(m.count)"
    assert await run(modules, "player/words.js", body) == ["0", "999", "1K", "1.2K", "18K", "2.5M"]


async def test_an_age_is_told_in_the_largest_unit_that_says_something(modules: Page) -> None:
    body = "return [0.5, 59, 60, 1439, 1440, 20160, 525600].map((minutes) => m.ago(0, minutes * 60000))"
    assert await run(modules, "player/words.js", body) == ["now", "59m", "1h", "23h", "1d", "2w", "1y"]


async def test_a_blurhash_decodes_to_the_colours_that_the_origin_encoded(modules: Page) -> None:
    side = 32
    halves = b"".join(
        bytes((220, 40, 40)) if x < side // 2 else bytes((30, 60, 200))
        for _ in range(side)
        for x in range(side)
    )
    body = "return [...m.pixels(f.hash, 8, 8)]"
    decoded = await run(modules, "player/blurhash.js", body, hash=blurhash.encode(halves, side))
    assert len(decoded) == 4 * 8 * 8
    assert decoded[0] > 150 > decoded[2]
    assert decoded[4 * 7] < 100 < decoded[4 * 7 + 2]


@pytest.mark.parametrize("text", ["", "LEHV6", "not a blurhash at all!", "L" * 27])
async def test_what_is_no_blurhash_is_no_picture(modules: Page, text: str) -> None:
    body = "return m.pixels(f.hash, 8, 8) === null"
    assert await run(modules, "player/blurhash.js", body, hash=text)


async def test_a_trackpads_run_out_is_one_swipe(modules: Page) -> None:
    body = """
      const wheel = new m.Wheel(), steps = [];
      for (let i = 0; i < 40; i += 1) steps.push(wheel.turn(60 * 0.9 ** i, 16 * i));
      return [steps.filter(Boolean).length, wheel.turn(-50, 2000)];
    """
    assert await run(modules, "player/gestures.js", body) == [1, -1]


async def test_the_rest_of_a_former_scroll_does_not_move_a_list_that_was_cut_to(modules: Page) -> None:
    body = """
      const feed = document.createElement("div");
      feed.style.cssText = "height: 100px; overflow: auto";
      feed.innerHTML = '<div style="height: 600px"></div>';
      document.body.append(feed);
      const told = [], frames = async (n) => { while (n--) await new Promise(requestAnimationFrame); };
      const scroller = new m.Scroller(feed, (index) => told.push(index));
      scroller.cut(4);
      await frames(3);
      feed.scrollTo({ top: 200, behavior: "instant" });
      await frames(3);
      const place = feed.scrollTop;
      feed.dispatchEvent(new Event("touchstart"));
      feed.scrollTo({ top: 300, behavior: "instant" });
      await frames(3);
      feed.remove();
      return [place, told];
    """
    assert await run(modules, "player/scroller.js", body) == [400, [3]]


@pytest.mark.parametrize(("steps", "told"), [([30, 34, 38], [0, 0, 1]), ([30, 26, 22], [0, 0, 0])])
async def test_a_fingers_release_decides_before_the_slide_is_half_way(
    modules: Page, steps: list[int], told: list[int]
) -> None:
    body = """
      const feed = document.createElement("div");
      feed.style.cssText = "height: 100px; overflow: auto";
      feed.innerHTML = '<div style="height: 600px"></div>';
      document.body.append(feed);
      const told = [], frame = () => new Promise(requestAnimationFrame);
      feed.addEventListener("scrollend", (event) => event.stopImmediatePropagation()); // comes later
      new m.Scroller(feed, (index) => told.push(index));
      for (let n = 0; n < 3; n += 1) await frame(); // it has looked at the feed's size
      for (const [i, top] of f.steps.entries()) {
        feed.scrollTo({ top, behavior: "instant" });
        while (told.length <= i) await frame();
        if (i === 0) feed.dispatchEvent(Object.assign(new Event("touchend"), { touches: [] }));
      }
      const found = told.slice(0, f.steps.length);
      feed.remove();
      return found;
    """
    assert await run(modules, "player/scroller.js", body, steps=steps) == told


async def test_studio_words_are_a_creators_words(modules: Page) -> None:
    body = """
      return [
        [0, 999, 1500, 12e6, 1e9].map(m.bytes),
        m.hashtags("#Calm, sky  #sky #ünder_score"),
        m.handle(" @neon waves! "),
        m.facts({ type: "t", title: "too large", status: 413, detail: "d", limit_bytes: 2e9, limit_s: 180 }),
      ];
    """
    sizes, tags, handle, facts = await run(modules, "studio/words.js", body)
    assert sizes == ["0 bytes", "999 bytes", "1.5 kB", "12 MB", "1 GB"]
    assert (tags, handle) == (["calm", "sky", "ünder_score"], "neon_waves")
    assert facts == [["Limit", "2 GB"], ["Limit", "180 s"]]


async def test_a_pasted_id_or_link_names_a_sound(modules: Page) -> None:
    body = """
      const links = ["http://x:8080/#sound=01m8ab", "/v1/videos/01m8ab/", "#v=a_b-c"];
      return ["01m8ab", " 01m8ab ", ...links, "", "a b", "x?y"].map(m.soundId);
    """
    ids = ["01m8ab", "01m8ab", "01m8ab", "01m8ab", "a_b-c", "", "", ""]
    assert await run(modules, "studio/words.js", body) == ids


async def test_upload_metadata_is_base64_of_utf_8(modules: Page) -> None:
    body = "return m.metadata({ caption: 'für dich', category: '' })"
    assert await run(modules, "studio/tus.js", body) == "caption ZsO8ciBkaWNo,category"
