"""What the SDK fetches, when, and in which rung: its modules, run where they run, in Chromium."""

import pytest
from playwright.async_api import Page

from tests.browser.modules import run

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
        ({"bps": 20e6, "aheadS": 4, "atS": 1}, [0, 1, 1, 1], "b0 c0"),
        ({"bps": 20e6, "aheadS": 4, "atS": 3}, [0, 0, 0, 1], "b0 c0 a0+ a1+"),
        ({"bps": 20e6, "aheadS": 4, "atS": 0.2}, [1, 0, 0, 1], "b0 c0 a1+ a2+"),
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


PILOT = """
  const now = { ms: 1000 };
  performance.now = () => now.ms;
  const asked = [], told = { plan: [], cancel: [], refresh_s: 1 };
  const video = { paused: false, currentTime: 1, clientWidth: 360, clientHeight: 640 };
  const bytes = { held: [], rungs: [], times: [0, 4], rungOf: (i) => (i < 9 ? 0 : -1) };
  const clip = { video: "v", ...bytes, opened: {}, aheadS: 3, isStreaming: true };
  const lane = { key: 1, clip, video, entry: { item: { video: "v" } } };
  const edge = { plan: async (state) => (asked.push(now.ms), told), doubt() {} };
  const { Link } = await import("/player/sdk/link.js");
  const window = () => ({ current: lane, nexts: [], ahead: 3, listed: [] });
  const pilot = new m.Pilot({ edge, pool: { lanes: [lane] }, link: new Link(), window });
  const at = async (ms) => { now.ms = ms; pilot.tick(); await null; await null; return asked.length; };
"""


async def test_a_plan_is_asked_for_again_in_time_but_seldom_while_the_video_stands_still(
    modules: Page,
) -> None:
    body = """
      pilot.follow({ ...told, plan: [{ video: "v", url: "/9.m4s", rung: "r", chunk: 9, at_s: 99 }] }, "v");
      const moving = [await at(1900), await at(2200)];
      video.paused = true;
      const still = [await at(4000), await at(12000), await at(24000)];
      pilot.close();
      return [moving, still];
    """
    script = f"const real = performance.now; try {{ {PILOT} {body} }} finally {{ performance.now = real; }}"
    assert await run(modules, "player/sdk/pilot.js", script) == [[0, 1], [1, 1, 2]]
