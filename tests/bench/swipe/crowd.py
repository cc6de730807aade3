"""200 viewers on one edge with nothing cached, and a far origin: who they are and what they find in RAM.

A player posts its events and state at a swipe, and half a round trip after the answer fetches what the plan
names; a thin one tells nothing of itself and asks for an opening when its video is swiped to, as a player of
HLS does. The edge is a process of its own and learns of a video from nothing but its queues and plans.
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

from shared import embedded
from shared.messages.message import Message
from shared.messages.queues import QueueRequest
from tests.bench.edge_process import edge_process
from tests.bench.swipe.far_origin import LADDER, VIDEO_S, far_origin, names, sent_bytes
from tests.brains import ScriptedBrain
from tests.edge_nodes import Viewer

N_VIDEOS, N_SESSIONS, N_VIEWED = 200, 200, 8
N_VIDEOS_APART = 2_000
HALF_TRIP_S = 0.03
N_OWN = 100
"""Candidates of each session that has a queue of its own: few are another's, too."""
THIN_AHEAD_S = 3
"""What a thin player buffers."""
CLIENT_S = 60
"""Deadline of a player's request: late is a figure here, not an error."""
IN_MEMORY = "hit; detail=memory"


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
    is_thin: bool = False
    """No plan is followed: the opening is asked for at the swipe, in the lowest rung."""


class Queues(ScriptedBrain):
    """Everybody's queue out of `videos`: the same for all, or each user's own."""

    videos: list[str]
    is_apart: bool

    async def _queue(self, request: QueueRequest) -> Message:
        rng = random.Random(request.user_id)
        videos = rng.sample(self.videos, N_OWN) if self.is_apart else self.videos
        return self.queue_for(request.session_id, request.user_id, videos)


@dataclass
class Found:
    """What was in RAM: at the swipes, and of what the players asked for."""

    swipes: Counter[int] = field(default_factory=Counter)
    """By the session's swipe, 1: the first; the video that a session begins with is no swipe."""
    cold: Counter[int] = field(default_factory=Counter)
    """Of these, with an opening that neither the player nor the edge's RAM had at that moment."""
    n_held: int = 0
    """With an opening that only the player had: it asks for nothing."""
    openings: Counter[int] = field(default_factory=Counter)
    """Requests by the session's swipe, 0: before the first; its first video apart."""
    missed: Counter[int] = field(default_factory=Counter)
    waits_s: list[float] = field(default_factory=list)
    """Until the head of those that were not in RAM."""
    paths: set[str] = field(default_factory=set)

    @property
    def share(self) -> float:
        """Of the swipes, that found what they ask for in RAM."""
        return 1 - self.cold.total() / self.swipes.total()

    @property
    def memory_share(self) -> float:
        """Of the swipes, whose opening was in RAM, needed or not."""
        return self.share - self.n_held / self.swipes.total()

    @property
    def asked_share(self) -> float:
        """Of the requests."""
        return 1 - self.missed.total() / self.openings.total()


class Player:
    """One viewer: watches, swipes, fetches each chunk once."""

    def __init__(self, viewer: Viewer, number: int, found: Found, crowd: Crowd) -> None:
        self._viewer = viewer
        self._rng = random.Random(number)
        self._found = found
        self._crowd = crowd
        self._bps = self._rng.uniform(1e6, 2e7)
        self._held: dict[tuple[str, int], str] = {}
        """Rung by video and chunk."""
        self._opens_with = LADDER[0].name
        """Rung of the last opening that a plan named: in that it would ask for another."""
        self._first = ""

    async def swipe_through(self) -> None:
        """The whole visit."""
        crowd, rng = self._crowd, self._rng
        await asyncio.sleep(rng.uniform(0, crowd.within_s))
        feed = await self._viewer.open(user_id=f"user{rng.getrandbits(32)}")
        self._first = screen = feed["items"][0]["video"]
        await asyncio.sleep(HALF_TRIP_S)
        for number in range(N_VIEWED):
            if number:
                await self._look(feed["items"][0], number)
                screen = feed["items"][0]["video"]
            held = [video for video, chunk in self._held if chunk == 0 and video != screen][-8:]
            state: dict[str, Any] = {} if crowd.is_thin else {"player": self._state(screen), "held": held}
            watch_s = min(VIDEO_S, rng.lognormvariate(math.log(crowd.median_s), crowd.sigma))
            playing = asyncio.create_task(self._stream(screen, watch_s, number)) if crowd.is_thin else None
            feed = await self._viewer.swipe(screen, current=screen, **state)
            await asyncio.sleep(HALF_TRIP_S)
            if playing is not None:
                await playing
            elif crowd.has_link:
                with suppress(TimeoutError):
                    async with asyncio.timeout(watch_s):
                        await self._follow(feed["plan"], number)
                        await asyncio.sleep(watch_s)
            else:
                await self._follow([step for step in feed["plan"] if step["chunk"] == 0], number)
                await asyncio.sleep(watch_s)

    async def _look(self, item: dict[str, Any], number: int) -> None:
        """The moment of a swipe: is the opening that the player has, or would ask for, in the edge's RAM?"""
        found, video = self._found, item["video"]
        rung = self._held.get((video, 0), self._opens_with)
        path = next(one.path for one in LADDER if one.name == rung)
        url = f"{self._viewer.url}{item['base']}{path}/open.mp4"
        async with self._viewer.http.head(url, headers={"Cache-Control": "only-if-cached"}) as answer:
            is_warm = IN_MEMORY in answer.headers["Cache-Status"]
            assert answer.status in (200, 504)
        found.swipes[number] += 1
        is_held = (video, 0) in self._held
        found.cold[number] += not (is_warm or is_held)
        found.n_held += is_held and not is_warm

    def _state(self, screen: str) -> dict[str, Any]:
        chunks: dict[tuple[str, str], list[int]] = {}
        for (video, chunk), rung in self._held.items():
            chunks.setdefault((video, rung), []).append(chunk)
        last = list(dict.fromkeys(video for video, _ in reversed(chunks)))[:16]
        held = [
            {"video": video, "rung": rung, "chunks": _ranges(numbers)}
            for (video, rung), numbers in chunks.items()
            if video in last
        ]
        return {
            "video": screen,
            "held": held,
            "bandwidth_bps": self._bps,
            "bandwidth_spread": 0.3,
            "rtt_ms": 1_000 * 2 * HALF_TRIP_S,
        }

    async def _stream(self, video: str, watch_s: float, number: int) -> None:
        """Without a plan: the opening, then second by second, THIN_AHEAD_S ahead."""
        home = f"/v/{video}/{LADDER[0].path}"
        with suppress(TimeoutError):
            async with asyncio.timeout(watch_s):
                await self._get(f"{home}/open.mp4", number, is_counted=number > 0)
                for chunk in range(1, VIDEO_S):
                    async with self._viewer.http.get(f"{self._viewer.url}{home}/{chunk}.m4s") as answer:
                        await answer.read()
                    await asyncio.sleep(1 if chunk > THIN_AHEAD_S else 0)
                await asyncio.sleep(watch_s)

    async def _follow(self, plan: list[dict[str, Any]], number: int) -> None:
        """Fetch what the plan names, in its order; of a later chunk only the link's time is spent."""
        clock = asyncio.get_running_loop().time
        began_s = clock()
        self._opens_with = next((step["rung"] for step in plan[::-1] if step["chunk"] == 0), self._opens_with)
        for step in plan:
            if (step["video"], step["chunk"]) in self._held:
                continue
            await asyncio.sleep(began_s + step["at_s"] - clock() if self._crowd.has_link else 0)
            if step["chunk"] == 0:
                await self._get(step["url"], number, is_counted=step["video"] != self._first)
            if self._crowd.has_link:
                await asyncio.sleep(2 * HALF_TRIP_S + 8 * step["bytes"] / self._bps)
            self._held[step["video"], step["chunk"]] = step["rung"]

    async def _get(self, path: str, number: int, *, is_counted: bool) -> None:
        found, clock = self._found, asyncio.get_running_loop().time
        asked_s = clock()
        found.paths.add(path)
        found.openings[number] += is_counted
        found.missed[number] += is_counted  # a viewer who leaves before the head has missed it, too
        async with self._viewer.http.get(self._viewer.url + path) as answer:
            if is_counted and IN_MEMORY in answer.headers["Cache-Status"]:
                found.missed[number] -= 1
            elif is_counted:
                found.waits_s.append(clock() - asked_s)
            await answer.read()
            assert answer.status == 200


def _ranges(numbers: list[int]) -> list[list[int]]:
    """First and last of each run."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return runs


async def watched(folder: Path, crowd: Crowd) -> tuple[Found, dict[str, int]]:
    """What the crowd found, and the bytes that the origin sent, by path."""
    n_videos = N_VIDEOS_APART if crowd.is_apart else N_VIDEOS
    found = Found()
    async with AsyncExitStack() as stack:
        nats = await embedded.nats_server(folder / "nats", {})
        stack.push_async_callback(nats.stop)
        origin_url = await stack.enter_async_context(far_origin(n_videos))
        brain = await Queues.start(nats.url)
        stack.push_async_callback(brain.close)
        brain.videos, brain.is_apart = names(n_videos), crowd.is_apart
        settings = {"origin_url": origin_url, "nats_url": nats.url}
        url = await stack.enter_async_context(edge_process(folder / "edge", settings, n_videos))
        deadline = aiohttp.ClientTimeout(total=CLIENT_S)
        http = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=deadline, connector=aiohttp.TCPConnector(limit=0))
        )
        async with asyncio.TaskGroup() as group:
            for number in range(N_SESSIONS):
                group.create_task(Player(Viewer(http, url), number, found, crowd).swipe_through())
        return found, await sent_bytes(origin_url)
