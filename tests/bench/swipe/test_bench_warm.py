"""Is what a player asks for in RAM? 200 sessions on one edge with nothing cached, each following its plans.

Each player posts its events and state at a swipe, and half a round trip after the answer fetches what the
plan names. The edge is a process of its own and learns of a video from nothing but its queues and plans. The
origin is far: each object comes after a round trip, in its real size, over one link of bounded bandwidth.
"""

import asyncio
import math
import random
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from shared import embedded
from shared.messages import Message, QueueRequest
from tests.bench import report
from tests.bench.edge_process import edge_process
from tests.bench.swipe_browser.schedule import quantile
from tests.brains import ScriptedBrain
from tests.card_origin import IMMUTABLE, CardOrigin
from tests.edge_builders import make_card, make_rung
from tests.edge_nodes import Viewer

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
    """Each has a queue of its own, else all scroll through the same videos."""
    median_s: float
    """Of the watch times, which are log-normal."""
    sigma: float
    within_s: float
    """They come at random moments of so many seconds."""
    has_link: bool = True
    """The player's link takes its time for each step of the plan; else it fetches openings alone, at once."""


HASTY: dict[str, Any] = {"median_s": 1.4, "sigma": 1.0, "within_s": 0.0}
"""Harder than life: all at one moment, and half of them gone after 1.4 s."""
LIFELIKE: dict[str, Any] = {"median_s": 5.7, "sigma": 1.01, "within_s": 10.0}
"""15 % of the watches end within 2 s."""
CROWDS = {
    "one catalogue": Crowd(is_apart=False, has_link=False, **HASTY),
    "queues apart": Crowd(is_apart=True, has_link=False, **HASTY),
    "queues apart, lifelike, endless links": Crowd(is_apart=True, has_link=False, **LIFELIKE),
    "queues apart, lifelike": Crowd(is_apart=True, **LIFELIKE),
}

GOAL = ("one catalogue", "queues apart, lifelike")
"""Who must find 99.5 % in RAM; the others ask faster than the origin's link brings what each alone wants."""


class FarOrigin(CardOrigin):
    """Answers after ORIGIN_TRIP_S, one byte after another over all requests at ORIGIN_BYTES_S."""

    def __init__(self) -> None:
        super().__init__()
        self._free_s = 0.0
        self.sent: dict[str, int] = {}
        """Bytes by path."""

    async def _media(self, request: web.Request) -> web.Response:
        video, path = request.match_info["video"], request.match_info["path"]
        rung = next((one for one in self.cards[video].rungs if path == f"{one.path}/open.mp4"), None)
        n_bytes = rung.open_bytes if rung else SEGMENT_BYTES if path.endswith(".m4s") else 600
        now_s = asyncio.get_running_loop().time()
        self._free_s = max(now_s, self._free_s) + n_bytes / ORIGIN_BYTES_S
        self.sent[request.path] = self.sent.get(request.path, 0) + n_bytes
        await asyncio.sleep(self._free_s - now_s + ORIGIN_TRIP_S)
        return web.Response(body=bytes(n_bytes), headers={"Cache-Control": IMMUTABLE, "ETag": '"one"'})


class Queues(ScriptedBrain):
    """Everybody's queue out of `videos`: the same for all, or each user's own."""

    videos: list[str]
    is_apart: bool

    async def _queue(self, request: QueueRequest) -> Message:
        rng = random.Random(request.user_id)
        videos = rng.sample(self.videos, N_OWN) if self.is_apart else self.videos
        return self.queue_for(request.session_id, request.user_id, videos)


@dataclass
class Asked:
    """What players asked for, and what of it was in RAM."""

    openings: Counter[int] = field(default_factory=Counter)
    """By the session's swipe, 0: before the first; its first video apart."""
    missed: Counter[int] = field(default_factory=Counter)
    waits_s: list[float] = field(default_factory=list)
    """Until the head of those that were not."""
    paths: set[str] = field(default_factory=set)

    @property
    def share(self) -> float:
        return 1 - self.missed.total() / self.openings.total()

    @property
    def later_share(self) -> float:
        """Without those that the session's first plan named."""
        n_later = self.openings.total() - self.openings[0]
        return 1 - (self.missed.total() - self.missed[0]) / n_later


class Player:
    """One viewer: watches, swipes, fetches each chunk once."""

    def __init__(self, viewer: Viewer, number: int, asked: Asked, crowd: Crowd) -> None:
        self._viewer = viewer
        self._rng = random.Random(number)
        self._asked = asked
        self._crowd = crowd
        self._bps = self._rng.uniform(1e6, 2e7)
        self._held: dict[tuple[str, int], str] = {}
        """Rung by video and chunk."""
        self._first = ""

    async def swipe_through(self) -> None:
        """The whole visit."""
        crowd, rng = self._crowd, self._rng
        await asyncio.sleep(rng.uniform(0, crowd.within_s))
        feed = await self._viewer.open(user_id=f"user{rng.getrandbits(32)}")
        self._first = screen = feed["items"][0]["video"]
        await asyncio.sleep(HALF_TRIP_S)
        for number in range(N_SWIPES):
            held = [video for video, chunk in self._held if chunk == 0 and video != screen][-8:]
            feed = await self._viewer.swipe(screen, current=screen, held=held, player=self._state(screen))
            await asyncio.sleep(HALF_TRIP_S)
            watch_s = min(VIDEO_S, rng.lognormvariate(math.log(crowd.median_s), crowd.sigma))
            if crowd.has_link:
                with suppress(TimeoutError):
                    async with asyncio.timeout(watch_s):
                        await self._follow(feed["plan"], number)
                        await asyncio.sleep(watch_s)
            else:
                await self._follow([step for step in feed["plan"] if step["chunk"] == 0], number)
                await asyncio.sleep(watch_s)
            screen = feed["items"][0]["video"]

    def _state(self, screen: str) -> dict[str, Any]:
        held = [
            {"video": video, "rung": rung, "chunks": [[chunk, chunk]]}
            for (video, chunk), rung in self._held.items()
        ]
        last = list(dict.fromkeys(one["video"] for one in reversed(held)))[:16]
        return {
            "video": screen,
            "held": [one for one in held if one["video"] in last][-64:],
            "bandwidth_bps": self._bps,
            "bandwidth_spread": 0.3,
            "rtt_ms": 1_000 * 2 * HALF_TRIP_S,
        }

    async def _follow(self, plan: list[dict[str, Any]], number: int) -> None:
        """Fetch what the plan names, in its order; of a later chunk only the link's time is spent."""
        clock = asyncio.get_running_loop().time
        began_s = clock()
        for step in plan:
            if (step["video"], step["chunk"]) in self._held:
                continue
            await asyncio.sleep(began_s + step["at_s"] - clock() if self._crowd.has_link else 0)
            if step["chunk"] == 0:
                await self._get(step, number)
            if self._crowd.has_link:
                await asyncio.sleep(2 * HALF_TRIP_S + 8 * step["bytes"] / self._bps)
            self._held[step["video"], step["chunk"]] = step["rung"]

    async def _get(self, step: dict[str, Any], number: int) -> None:
        asked, clock = self._asked, asyncio.get_running_loop().time
        asked_s, is_counted = clock(), step["video"] != self._first
        asked.paths.add(step["url"])
        asked.openings[number] += is_counted
        asked.missed[number] += is_counted  # a viewer who leaves before the head has missed it, too
        async with self._viewer.http.get(self._viewer.url + step["url"]) as answer:
            if is_counted and "hit; detail=memory" in answer.headers["Cache-Status"]:
                asked.missed[number] -= 1
            elif is_counted:
                asked.waits_s.append(clock() - asked_s)
            await answer.read()
            assert answer.status == 200


async def watched(folder: Path, crowd: Crowd, origin: FarOrigin) -> Asked:
    """What the crowd asked for."""
    n_videos = N_VIDEOS_APART if crowd.is_apart else N_VIDEOS
    for number in range(n_videos):
        card = make_card(f"v{number}", rungs=LADDER, duration_ms=VIDEO_S * 1_000, created_ms=number)
        origin.publish(card)
    asked = Asked()
    async with AsyncExitStack() as stack:
        nats = await embedded.nats_server(folder / "nats", {})
        stack.push_async_callback(nats.stop)
        await origin.start()
        stack.push_async_callback(origin.stop)
        brain = await Queues.start(nats.url)
        stack.push_async_callback(brain.close)
        brain.videos, brain.is_apart = list(origin.cards), crowd.is_apart
        settings = {"origin_url": origin.url, "nats_url": nats.url}
        url = await stack.enter_async_context(edge_process(folder / "edge", settings, n_videos))
        deadline = aiohttp.ClientTimeout(total=CLIENT_S)
        http = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=deadline, connector=aiohttp.TCPConnector(limit=0))
        )
        async with asyncio.TaskGroup() as group:
            for number in range(N_SESSIONS):
                group.create_task(Player(Viewer(http, url), number, asked, crowd).swipe_through())
    return asked


@pytest.mark.parametrize("name", CROWDS)
async def test_openings_that_players_ask_for_are_in_memory(data_dir: Path, name: str) -> None:
    origin = FarOrigin()
    asked = await watched(data_dir, CROWDS[name], origin)
    openings = {path: n for path, n in origin.sent.items() if path.endswith("/open.mp4")}
    never = sum(n for path, n in openings.items() if path not in asked.paths)
    figures: dict[str, Any] = {
        "openings asked for": asked.openings.total(),
        "in memory, %": round(100 * asked.share, 2),
        "after the first plan, %": round(100 * asked.later_share, 2),
        "missed by swipe": " ".join(f"{asked.missed[n]}/{asked.openings[n]}" for n in range(N_SWIPES)),
        "wait of those p50, ms": round(1000 * quantile(asked.waits_s, 0.5)) if asked.waits_s else 0,
        "MB of openings": sum(openings.values()) / 1e6,
        "of that never asked for": never / 1e6,
        "MB of all": sum(origin.sent.values()) / 1e6,
    }
    report.write(f"swipe-warm-{name.replace(', ', '-').replace(' ', '-')}", figures)
    if name in GOAL:
        assert asked.share >= 0.995
