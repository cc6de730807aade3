"""Is what a player asks for in RAM? 200 sessions on one edge with nothing cached, each following its plans.

Each player posts its events and state at a swipe, and half a round trip after the answer asks for the
openings that the plan names. The edge learns of a video from nothing but its own plans. The origin is far:
each object comes after a round trip, in its real size, over one link of bounded bandwidth.
"""

import asyncio
import math
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
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
VIDEO_S = 20
HALF_TRIP_S = 0.03
ORIGIN_TRIP_S, ORIGIN_BYTES_S, SEGMENT_BYTES = 0.06, 25e6, 150_000
N_OWN = 100
"""Candidates of each session that has a queue of its own: few are another's, too."""
CLIENT_S = 60
"""Deadline of a player's request: late is a figure here, not an error."""
LADDER = [
    make_rung(name, open_bytes=size, chunk_bytes=[size] * VIDEO_S, chunk_ms=[1_000] * VIDEO_S)
    for name, size in (("360p", 90_000), ("540p", 150_000), ("720p", 230_000))
]


@dataclass(frozen=True)
class Crowd:
    """How 200 people come and watch."""

    is_apart: bool
    """Each has a queue of its own, else all scroll through the newest videos."""
    median_s: float
    """Of the watch times, which are log-normal."""
    sigma: float
    within_s: float
    """They come at random moments of so many seconds."""


HASTY = {"median_s": 1.4, "sigma": 1.0, "within_s": 0.0}
"""Harder than life: all at one moment, and half of them gone after 1.4 s."""
LIFELIKE = {"median_s": 5.7, "sigma": 1.01, "within_s": 10.0}
"""15 % of the watches end within 2 s."""
CROWDS = {
    "one catalogue": Crowd(is_apart=False, **HASTY),
    "queues apart": Crowd(is_apart=True, **HASTY),
    "queues apart, lifelike": Crowd(is_apart=True, **LIFELIKE),
}


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
    edge: Edge, player: Viewer, rng: random.Random, found: Counter[str], crowd: Crowd
) -> None:
    """One player: watches, swipes, fetches each opening once; counts where it came from."""
    link = {
        "bandwidth_bps": rng.uniform(1e6, 2e7),
        "bandwidth_spread": 0.3,
        "rtt_ms": 1_000 * 2 * HALF_TRIP_S,
    }
    await asyncio.sleep(rng.uniform(0, crowd.within_s))
    feed = await player.open()
    if crowd.is_apart:
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
        await asyncio.sleep(min(VIDEO_S, rng.lognormvariate(math.log(crowd.median_s), crowd.sigma)))
        screen = feed["items"][0]["video"]


async def _get(player: Viewer, step: dict[str, Any], found: Counter[str]) -> None:
    async with player.http.get(player.url + step["url"]) as answer:
        await answer.read()
        assert answer.status == 200
        found["memory" if "hit; detail=memory" in answer.headers["Cache-Status"] else "other"] += 1


@pytest.mark.parametrize("name", CROWDS)
async def test_openings_that_players_ask_for_are_in_memory(data_dir: Path, name: str) -> None:
    crowd = CROWDS[name]
    n_videos = N_VIDEOS_APART if crowd.is_apart else N_VIDEOS
    origin = FarOrigin()
    for number in range(n_videos):
        card = make_card(f"v{number}", rungs=LADDER, duration_ms=VIDEO_S * 1_000, created_ms=number)
        origin.publish(card)
    await origin.start()
    found: Counter[str] = Counter()
    async with running_edge(make_config(data_dir, origin_url=origin.url)) as edge, viewer(edge.url) as one:
        await eventually(lambda: len(edge.cards) == n_videos)
        deadline = aiohttp.ClientTimeout(total=CLIENT_S)
        async with aiohttp.ClientSession(timeout=deadline) as http, asyncio.TaskGroup() as group:
            for number in range(N_SESSIONS):
                player = Viewer(http, one.url)
                group.create_task(swipe_through(edge, player, random.Random(number), found, crowd))
    await origin.stop()
    share = found["memory"] / found.total()
    report.write(
        f"swipe-warm-{name.replace(', ', '-').replace(' ', '-')}",
        {
            "openings asked for": found.total(),
            "in memory, %": round(100 * share, 2),
            "MB from the origin": origin.sent_bytes / 1e6,
        },
    )
    assert share >= 0.995 or name == "queues apart"  # all at one moment ask for more than the link brings
