"""The player's and the studio's pure modules, run where they run: in Chromium."""

from typing import Any

import pytest
from playwright.async_api import Page

from origin.packaging import blurhash

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

RUNGS = [
    {"width": 360, "height": 640, "bandwidth_bps": 500_000, "init_bytes": 1000, "chunk_bytes": [60_000] * 4},
    {
        "width": 540,
        "height": 960,
        "bandwidth_bps": 1_000_000,
        "init_bytes": 1000,
        "chunk_bytes": [120_000] * 4,
    },
    {
        "width": 720,
        "height": 1280,
        "bandwidth_bps": 2_000_000,
        "init_bytes": 1000,
        "chunk_bytes": [240_000] * 4,
    },
]


async def run(modules: Page, module: str, body: str, **facts: Any) -> Any:
    """What `body` returns, with the module as `m` and the facts as `f`."""
    script = f"async (f) => {{ const m = await import('/{module}'); {body} }}"
    return await modules.evaluate(script, facts)


async def merged(modules: Page, had: list[str], index: int, came: list[str], pinned: int) -> Any:
    """The ids of the list after a slice, and which places are new or gone."""
    body = """
      const had = f.had.map((video, key) => ({ key, item: { video } }));
      const items = f.came.map((video) => ({ video }));
      const { entries, added, removed } = m.merge(had, f.index, items, { pinned: f.pinned, nextKey: 100 });
      const ids = (list) => list.map(({ item }) => item.video).join("");
      return [ids(entries), ids(added), ids(removed), new Set(entries.map(({ key }) => key)).size];
    """
    return await run(modules, "player/sdk/queue.js", body, had=had, index=index, came=came, pinned=pinned)


async def test_a_slice_reorders_only_what_is_below_the_held_video(modules: Page) -> None:
    assert await merged(modules, list("abcde"), 1, list("edxc"), 1) == ["abcedx", "x", "", 6]


async def test_without_a_held_video_the_slice_decides_what_is_next(modules: Page) -> None:
    assert await merged(modules, list("abcd"), 1, list("dc"), 0) == ["abdc", "", "", 4]


async def test_a_slice_brings_no_video_back_that_was_just_shown(modules: Page) -> None:
    assert await merged(modules, list("abc"), 1, list("abx"), 1) == ["abcx", "x", "", 4]


async def test_when_nothing_else_is_left_a_shown_video_comes_again(modules: Page) -> None:
    assert await merged(modules, list("ab"), 1, list("ab"), 0) == ["aba", "a", "", 3]


async def test_the_list_ahead_is_bounded(modules: Page) -> None:
    entries, _, removed, _ = await merged(modules, list("abcdefghij"), 0, list("qrstuvw"), 1)
    assert (entries, removed) == ("abqrstuvwcd", "efghij")


async def test_the_first_slice_fills_an_empty_list(modules: Page) -> None:
    assert await merged(modules, [], -1, list("aab"), 0) == ["ab", "ab", "", 2]


@pytest.mark.parametrize(
    ("bps", "ahead_s", "edge_px", "rung"),
    [
        (0, 1, 1080, 0),
        (1_000_000, 10, 1080, 0),
        (1_500_000, 10, 1080, 1),
        (20_000_000, 10, 1080, 2),
        (20_000_000, 10, 500, 1),
        (20_000_000, 10, 300, 0),
        (3_000_000, 1, 1080, 1),
        (20_000_000, 0.05, 1080, 0),
    ],
)
async def test_a_rung_is_what_the_link_the_buffer_and_the_screen_allow(
    modules: Page, bps: int, ahead_s: float, edge_px: int, rung: int
) -> None:
    body = "return m.chooseRung(f.rungs, { i: 1, bps: f.bps, aheadS: f.ahead, shortEdgePx: f.px })"
    facts = {"rungs": RUNGS, "bps": bps, "ahead": ahead_s, "px": edge_px}
    assert await run(modules, "player/sdk/timeline.js", body, **facts) == rung


@pytest.mark.parametrize(
    ("held", "playhead_s", "goal_s", "chunks"),
    [
        ([], 0, 10, [0, 1, 2, 3]),
        ([0], 0.5, 10, [1, 2, 3]),
        ([0], 0.5, 0.2, []),
        ([0, 1, 2, 3], 3.5, 10, []),
        ([2, 3], 3.5, 10, [0, 1]),
        ([2, 3], 2.5, 1, []),
        ([0, 2, 3], 2.5, 10, [1]),
    ],
)
async def test_missing_chunks_are_told_from_the_playhead_round_the_loop(
    modules: Page, held: list[int], playhead_s: float, goal_s: float, chunks: list[int]
) -> None:
    body = """
      const times = m.starts([1000, 1000, 1000, 1000]);
      return m.missing({ times, playheadS: f.playhead, goalS: f.goal, isHeld: (i) => f.held.includes(i) });
    """
    facts = {"held": held, "playhead": playhead_s, "goal": goal_s}
    assert await run(modules, "player/sdk/timeline.js", body, **facts) == chunks


async def test_the_link_believes_a_drop_at_once_and_a_rise_slowly(modules: Page) -> None:
    body = """
      const link = new m.Link(), seen = [];
      for (const [bytes, ms] of [[1000, 1], [1e6, 1000], [1e6, 1000], [1e6, 8000], [1e6, 100]]) {
        link.sample(bytes, ms);
        seen.push(Math.round(link.bps / 1e6));
      }
      return [...seen, link.spread > 0.5];
    """
    assert await run(modules, "player/sdk/link.js", body) == [0, 8, 8, 5, 18, True]


async def test_bodies_that_arrive_together_are_one_sample_of_the_link(modules: Page) -> None:
    body = """
      const link = new m.Link();
      link.begin(0, 60), link.begin(0, 65);
      link.got(50_000, 110), link.got(50_000, 110);
      link.end(110), link.end(120);
      return [link.rttMs, Math.round(link.bps / 1e6)];
    """
    assert await run(modules, "player/sdk/link.js", body) == [60, 16]


VIEWS = """
  const sizes = { init_bytes: 1000, open_bytes: 9, chunk_bytes: [8, 8, 8, 8] };
  const low = { ...sizes, name: "360p", path: "360p", bandwidth_bps: 500_000, height: 640, width: 360 };
  const high = { ...low, name: "540p", path: "540p", bandwidth_bps: 1_000_000, height: 960, width: 540 };
  const rungs = [low, high];
  const times = [0, 1, 2, 3, 4];
  const view = (video, held) => ({ video, base: `/v/${video}/`, rungs, times, rungOf: (i) => held[i] ?? -1 });
  const now = { atS: 0, aheadS: 1, bps: 0, shortEdgePx: 1080, opening: new Map(), ...f.now };
  const name = ({ video, rung, chunk }) => `${video}${chunk}${rung === "360p" ? "" : "+"}`;
  const told = (steps) => steps.map(name).join(" ");
"""


@pytest.mark.parametrize(
    ("now", "held", "order"),
    [
        ({"aheadS": 0}, [], "a0 b0 c0"),
        ({}, [0], "a1 a2 a3 b0 c0"),
        ({"bps": 20e6, "aheadS": 4}, [0, 0, 0, 0], "b0 c0"),
        ({"bps": 20e6, "aheadS": 4, "atS": 3}, [0, 1, 1, 1], "b0 c0 a0+"),
    ],
)
async def test_without_a_plan_the_screen_comes_first_then_openings_then_the_loop(
    modules: Page, now: dict[str, float], held: list[int], order: str
) -> None:
    body = VIEWS + 'return told(m.ownSteps(view("a", f.held), [view("b", []), view("c", [])], now))'
    assert await run(modules, "player/sdk/plan.js", body, now=now, held=held) == order


async def test_a_step_waits_for_its_playhead_and_those_behind_it_wait_too(modules: Page) -> None:
    body = """
      const steps = [{ url: "a", at_s: 0 }, { url: "b", at_s: 2 }, { url: "c", at_s: 0 }];
      const at = (s, done) => {
        const { step, isOver } = m.following(steps, s, ({ url }) => done.includes(url));
        return [step?.url ?? null, isOver];
      };
      return [at(0, ""), at(0, "a"), at(2, "a"), at(2, "ab"), at(2, "abc")];
    """
    assert await run(modules, "player/sdk/plan.js", body) == [
        ["a", False],
        [None, False],
        ["b", False],
        ["c", False],
        [None, True],
    ]


async def test_chunks_of_a_new_rung_share_one_request_for_its_init_segment(modules: Page) -> None:
    body = """
      const { Link } = await import("/player/sdk/link.js");
      const asked = [];
      globalThis.fetch = async (url) => (asked.push(url), new Response(new Uint8Array(1000)));
      const loader = new m.Loader(new Link({ bps: 1e7, rtt_ms: 50 }));
      const steps = [1, 2].map((chunk) => ({ video: "v", url: `/${chunk}`, rung: "r", chunk, bytes: 1000 }));
      const loads = [];
      loader.choose = () => steps.shift() ?? null;
      loader.order = ({ url }) => ({ url, initUrl: "/init", initBytes: 700, headers: {}, priority: "low" });
      return await new Promise((done) => {
        loader.onLoad = (_, { init }) => loads.push(init.byteLength) === 2 && done([asked.sort(), loads]);
        loader.pump();
      });
    """
    asked, inits = await run(
        modules,
        "player/sdk/loader.js",
        f"const real = fetch; try {{ {body} }} finally {{ globalThis.fetch = real; }}",
    )
    assert asked == ["/1", "/2", "/init"]
    assert inits == [700, 700]


async def test_client_data_is_sorted_quoted_and_says_only_what_is_known(modules: Page) -> None:
    body = """
      const facts = { session: "s1", rung: { bandwidth_bps: 564_000 }, step: { video: "v1" } };
      const now = { durationMs: 1000, aheadS: 2.34, bps: 0, isStarting: true, isStarved: false };
      return m.cmcd({ ...facts, ...now });
    """
    assert await run(modules, "player/sdk/cmcd.js", body) == {
        "cmcd-object": "br=564,d=1000,ot=av",
        "cmcd-request": "bl=2300,su",
        "cmcd-session": 'cid="v1",sf=o,sid="s1",st=v',
    }


@pytest.mark.parametrize(
    ("playheads", "watched_ms", "loops"),
    [
        ([0, 0.25, 0.5], 500, 0),
        ([0.9, 1.8, 2.7, 3.6, 0.3], 4300, 1),
        ([0.5, 3.0, 3.2], 700, 0),
        ([1.0, 0.2, 0.4], 1200, 0),
    ],
)
async def test_watch_time_counts_what_played_and_loops_but_no_jumps(
    modules: Page, playheads: list[float], watched_ms: int, loops: int
) -> None:
    body = """
      const watch = new m.Watch(4);
      f.at.forEach((t) => watch.see(t));
      return [watch.report.watched_ms, watch.loops];
    """
    assert await run(modules, "player/sdk/watch.js", body, at=playheads) == [watched_ms, loops]


@pytest.mark.parametrize(
    ("header", "tier"),
    [
        ("headstart-edge; hit; detail=memory", "memory"),
        ("headstart-edge; hit; detail=disk", "disk"),
        ("headstart-edge; fwd=uri-miss; fwd-status=200; stored; detail=origin", "origin"),
        ("headstart-edge; fwd=uri-miss; collapsed", "origin"),
        ("shield; hit; detail=disk, headstart-edge; hit; detail=memory", "memory"),
        (None, ""),
    ],
)
async def test_cache_status_says_where_the_edge_had_the_bytes(
    modules: Page, header: str | None, tier: str
) -> None:
    assert await run(modules, "player/sdk/loader.js", "return m.tier(f.header)", header=header) == tier


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


async def test_the_outbox_is_bounded_and_drops_impressions_before_likes(modules: Page) -> None:
    body = """
      const kept = new Map();
      const store = { getItem: (key) => kept.get(key), setItem: (key, value) => kept.set(key, value) };
      const box = new m.Outbox(store);
      box.push({ id: "like", kind: "like", video: "v" });
      for (let i = 0; i < 600; i += 1) box.push({ id: `i${i}`, kind: "impression", video: "v" });
      const again = new m.Outbox(store);
      again.confirm(again.batch());
      return [box.size, box.batch().length, box.batch()[0].id, again.size];
    """
    assert await run(modules, "player/sdk/outbox.js", body) == [512, 64, "like", 448]


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


async def test_upload_metadata_is_base64_of_utf_8(modules: Page) -> None:
    body = "return m.metadata({ caption: 'für dich', category: '' })"
    assert await run(modules, "studio/tus.js", body) == "caption ZsO8ciBkaWNo,category"
