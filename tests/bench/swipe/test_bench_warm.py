"""Is what a player asks for in RAM? 200 sessions on one edge with nothing cached, each following its plans.

Each player posts its events and state at a swipe, and half a round trip after the answer asks for the
openings that the plan names. The edge learns of a video from nothing but its own plans. The origin is far:
each object comes after a round trip, in its real size, over one link of bounded bandwidth.
"""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from edge.app import Edge
from tests.bench import report
from tests.card_origin import IMMUTABLE, CardOrigin
from tests.edge_builders import make_card, make_queue, make_rung
from tests.edge_nodes import Viewer, make_config, running_edge, viewer
from tests.waiting import eventually

pytestmark = pytest.mark.bench

N_VIDEOS, N_SESSIONS, N_SWIPES = 200, 200, 8
N_VIDEOS_APART = 2_000
HALF_TRIP_S = 0.03
ORIGIN_TRIP_S, ORIGIN_BYTES_S, SEGMENT_BYTES = 0.06, 25e6, 150_000
N_OWN = 100
"""Candidates of each session that has a queue of its own: few are another's, too."""
WATCH_S = 2.0
"""Mean; shorter than in life, so that the edge has less time."""
LADDER = [
    make_rung(name, open_bytes=size, chunk_bytes=[size] * 20, chunk_ms=[1_000] * 20)
    for name, size in (("360p", 90_000), ("540p", 150_000), ("720p", 230_000))
]


class FarOrigin(CardOrigin):
    """Answers after ORIGIN_TRIP_S, one byte after another over all requests at ORIGIN_BYTES_S."""

    def __init__(self) -> None:
        super().__init__()
        self._free_s = 0.0
        self.sent_bytes = 0

    async def _media(self, request: web.Request) -> web.Response:
        video, path = request.match_info["video"], request.match_info["path"]
        rung = next((one for one in self.cards[video].rungs if path == f"{one.path}/open.mp4"), None)
        n_bytes = rung.open_bytes if rung else SEGMENT_BYTES if path.endswith(".m4s") else 600
        now_s = asyncio.get_running_loop().time()
        self._free_s = max(now_s, self._free_s) + n_bytes / ORIGIN_BYTES_S
        self.sent_bytes += n_bytes
        await asyncio.sleep(self._free_s - now_s + ORIGIN_TRIP_S)
        return web.Response(body=bytes(n_bytes), headers={"Cache-Control": IMMUTABLE, "ETag": '"one"'})


async def swipe_through(
    edge: Edge, player: Viewer, rng: random.Random, found: Counter[str], own: bool
) -> None:
    """One player: watches, swipes, fetches each opening once; counts where it came from."""
    link = {
        "bandwidth_bps": rng.uniform(1e6, 2e7),
        "bandwidth_spread": 0.3,
        "rtt_ms": 1_000 * 2 * HALF_TRIP_S,
    }
    feed = await player.open()
    if own:
        videos = [f"v{one}" for one in rng.sample(range(N_VIDEOS_APART), N_OWN)]
        edge.feed.take_queue(make_queue(*videos, session_id=player.session, user_id=player.user))
        feed = await player.feed()
    held: dict[str, str] = {}
    screen = feed["items"][0]["video"]
    for number in range(N_SWIPES):
        told = [{"video": video, "rung": rung, "chunks": [[0, 0]]} for video, rung in held.items()]
        state = {"video": screen, "held": told[-16:], **link}
        feed = await player.swipe(screen, current=screen, player=state)
        await asyncio.sleep(HALF_TRIP_S)
        for step in feed["plan"]:
            if step["chunk"] == 0 and step["video"] not in held:
                held[step["video"]] = step["rung"]
                await _get(player, step, found if number else Counter())
        await asyncio.sleep(rng.expovariate(1 / WATCH_S))
        screen = feed["items"][0]["video"]


async def _get(player: Viewer, step: dict[str, Any], found: Counter[str]) -> None:
    async with player.http.get(player.url + step["url"]) as answer:
        await answer.read()
        assert answer.status == 200
        found["memory" if "hit; detail=memory" in answer.headers["Cache-Status"] else "other"] += 1


@pytest.mark.parametrize("is_apart", [False, True], ids=["one catalogue", "queues apart"])
async def test_openings_that_players_ask_for_are_in_memory(data_dir: Path, is_apart: bool) -> None:
    n_videos = N_VIDEOS_APART if is_apart else N_VIDEOS
    origin = FarOrigin()
    for number in range(n_videos):
        origin.publish(make_card(f"v{number}", rungs=LADDER, duration_ms=20_000, created_ms=number))
    await origin.start()
    found: Counter[str] = Counter()
    async with running_edge(make_config(data_dir, origin_url=origin.url)) as edge, viewer(edge.url) as one:
        await eventually(lambda: len(edge.cards) == n_videos)
        players = [Viewer(one.http, edge.url) for _ in range(N_SESSIONS)]
        async with asyncio.TaskGroup() as group:
            for number, player in enumerate(players):
                group.create_task(swipe_through(edge, player, random.Random(number), found, is_apart))
    await origin.stop()
    share = found["memory"] / found.total()
    report.write(
        "swipe-warm-apart" if is_apart else "swipe-warm",
        {
            "openings asked for": found.total(),
            "in memory, %": round(100 * share, 2),
            "MB from the origin": origin.sent_bytes / 1e6,
        },
    )
    assert is_apart or share >= 0.99  # apart, 200 cold starts at one moment ask for more than the link brings
