"""The SDK's modules, one by one, run where they run: in Chromium."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.modules import run

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


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


async def test_what_is_told_of_a_showing_stays_within_what_an_edge_believes(modules: Page) -> None:
    body = """
      const notes = [], qoes = [];
      const edge = { note: (kind, video, facts) => notes.push(facts), noteQoe: (qoe) => qoes.push(qoe) };
      const showings = new m.Showings(edge);
      const card = { duration_ms: 1000, category: "c" };
      const entry = { key: 1, item: { video: "v", card, why: {} } };
      const video = { currentTime: 0, readyState: 4, requestVideoFrameCallback: (act) => act() };
      const clip = { video: "v", opened: null, fetchedBytes: 10, wastedBytes: 5, see() {} };
      const lane = { key: 1, entry, video, clip };
      showings.announce(entry);
      showings.begin(lane, null, performance.now() - 2 * 86_400_000);
      Object.assign(showings.record.last, { stalls: 20_000, stalled_ms: 1e12 });
      for (let n = 0; n < 1000; n += 1) { video.currentTime = (n % 4) / 4; showings.see(lane); }
      showings.noteWatch(entry, lane);
      showings.left(lane), showings.left(lane);
      return [notes.at(-1).completion, qoes];
    """
    completion, told = await run(modules, "player/sdk/showings.js", body)
    assert completion == 100
    (qoe,) = told
    assert (qoe["startup_ms"], qoe["stalled_ms"], qoe["n_stalls"]) == (86_400_000, 86_400_000, 10_000)


async def test_a_viewer_who_does_not_look_waits_for_nothing(modules: Page) -> None:
    body = """
      const now = { ms: 0 }, frames = [], real = performance.now;
      performance.now = () => now.ms;
      const swipes = new m.Swipes();
      const item = { video: "v", card: { category: "c" }, why: {} };
      const lane = { entry: { item }, clip: { opened: null } };
      swipes.begin({ ...lane, video: { requestVideoFrameCallback: (act) => frames.push(act) } }, null, 0);
      now.ms = 1000, swipes.pause();
      now.ms = 90_000, swipes.pause();
      now.ms = 90_040, frames[0](), swipes.stall();
      now.ms = 90_100, swipes.pause();
      now.ms = 190_000, swipes.pause(), swipes.flow();
      performance.now = real;
      return [swipes.last.first_frame_ms, swipes.last.stalled_ms];
    """
    assert await run(modules, "player/sdk/swipes.js", body) == [40, 60]


@pytest.mark.parametrize(
    ("told", "items"),
    [
        ({"items": [], "plan": []}, 0),
        (
            {
                "items": [{}, None, 3, {"video": "v", "base": "/", "master": "/", "card": {"rungs": []}}],
                "plan": [],
            },
            0,
        ),
        ({"items": {}, "plan": []}, None),
        ({"items": []}, None),
        (None, None),
    ],
)
async def test_a_slice_has_items_that_can_be_played_and_a_plan(
    modules: Page, told: Any, items: int | None
) -> None:
    body = "try { return m.sliceOf(f.told).items.length; } catch ({ status }) { return status ? -1 : null; }"
    assert await run(modules, "player/sdk/answers.js", body, told=told) == items


async def test_a_store_that_fails_is_memory(modules: Page) -> None:
    body = """
      const full = { getItem: () => "old", setItem() { throw new Error("full"); } };
      const away = { getItem() { throw new Error("no"); }, setItem() { throw new Error("no"); } };
      return [full, away].map((store) => {
        const kept = m.sturdy(store), before = kept.getItem("k");
        kept.setItem("k", "new");
        return [before, kept.getItem("k")];
      });
    """
    assert await run(modules, "player/sdk/store.js", body) == [["old", "new"], [None, "new"]]
