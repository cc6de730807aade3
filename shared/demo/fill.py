"""Fills an empty installation with the demo, through the same HTTP APIs as everyone.

Clips are drawn, uploaded and transcoded at the same time; then simulated viewers watch them through the edge,
bounded in rate. The journal makes a second start continue where the first one was stopped.
"""

import asyncio
import random
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp

from shared.demo.api import Api
from shared.demo.clips import CLIPS, SOUND_OF, Clip, tags
from shared.demo.journal import Journal
from shared.demo.looks import LOOKS
from shared.demo.render import render
from shared.demo.viewers import Shown, Viewer, cast, evening

N_VIEWERS = 300
N_WATCHED = 12
"""Videos that one simulated viewer sees; their events fit one POST."""
SEED = 20
MAX_REQUESTS_PER_S = 60
N_TOGETHER = 3
"""Simulated viewers who are at it at the same time."""
POLL_S = 0.5
COMPLETE_LIMIT_S = 1800.0
"""Every clip must have its whole ladder by then."""
N_DRAWN_AHEAD = 2
"""Drawn clips that may wait for their upload; drawing pauses above."""

Tell = Callable[[str, int], None]
"""Told the stage (`drawn`, `uploaded`, `playable`, `complete`, `viewers`) that got on, and its count."""

Draw = Callable[[Clip, Path], Awaitable[Path]]
"""Makes a clip's file."""


class Demo:
    """One filling of one installation."""

    def __init__(self, api: Api, journal: Journal, tell: Tell, draw: Draw = render) -> None:
        self._api = api
        self._journal = journal
        self._tell = tell
        self._draw = draw
        self.first_playable = asyncio.Event()
        self.all_playable = asyncio.Event()

    async def is_wanted(self) -> bool:
        """Whether there is something to do: nothing is uploaded yet, or only by us and not all."""
        if self._journal.uploaded:
            return len(self._journal.uploaded) < len(CLIPS) or not self._journal.is_done
        return not (await self._api.get(f"{self._api.origin}/v1/videos?limit=1"))["items"]

    async def upload(self) -> None:
        """Draw and upload what is missing; the next clip is drawn while the last one travels."""
        missing = [clip for clip in CLIPS if clip.caption not in self._journal.uploaded]
        drawn: asyncio.Queue[tuple[Clip, Path]] = asyncio.Queue(N_DRAWN_AHEAD)

        async def draw(folder: Path) -> None:
            for i, clip in enumerate(missing):
                await drawn.put((clip, await self._draw(clip, folder / f"{i}.mp4")))
                self._tell("drawn", len(CLIPS) - len(missing) + i + 1)

        with tempfile.TemporaryDirectory(prefix="headstart-demo-") as folder:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(draw(Path(folder)))
                for _ in missing:
                    clip, file = await drawn.get()
                    self._journal.add(clip.caption, await self._post(clip, file))
                    file.unlink()
                    self._tell("uploaded", len(self._journal.uploaded))

    async def _post(self, clip: Clip, file: Path) -> str:
        form = aiohttp.FormData()
        for name in ("caption", "creator", "category"):
            form.add_field(name, getattr(clip, name))
        form.add_field("hashtags", tags(clip.hashtags))
        source = self._journal.uploaded.get(SOUND_OF.get(clip.caption, ""))
        if source and await self._becomes_playable(source):
            form.add_field("sound", source)
        with file.open("rb") as body:
            form.add_field("file", body, filename=file.name, content_type="video/mp4")
            return str((await self._api.post(f"{self._api.origin}/v1/videos", 201, data=form))["id"])

    async def _becomes_playable(self, video: str) -> bool:
        """Whether the source of a sound can be played, which it long can unless the worker is far behind."""
        async with asyncio.timeout(COMPLETE_LIMIT_S):
            while True:
                if (status := await self._status(video)) in ("playable", "complete", "failed"):
                    return status != "failed"
                await asyncio.sleep(POLL_S)

    async def _status(self, video: str) -> str:
        return str((await self._api.get(f"{self._api.origin}/v1/videos/{video}"))["status"])

    async def follow(self) -> None:
        """Tell how the transcoding gets on, until every clip has its whole ladder (or has failed)."""
        states: dict[str, str] = {}
        async with asyncio.timeout(COMPLETE_LIMIT_S):
            while sum(state in ("complete", "failed") for state in states.values()) < len(CLIPS):
                for video in list(self._journal.uploaded.values()):
                    if states.get(video) not in ("complete", "failed"):
                        states[video] = await self._status(video)
                self._count(list(states.values()))
                await asyncio.sleep(POLL_S)

    def _count(self, states: list[str]) -> None:
        n_complete = states.count("complete")
        n_playable = n_complete + states.count("playable")
        self._tell("playable", n_playable)
        self._tell("complete", n_complete)
        if n_playable:
            self.first_playable.set()
        if n_playable + states.count("failed") >= len(CLIPS):
            self.all_playable.set()

    async def watch(self, n_viewers: int = N_VIEWERS) -> int:
        """Let the simulated viewers watch; returns how many events they made."""
        rng = random.Random(SEED)
        by_caption = {clip.caption: clip for clip in CLIPS}
        videos = [
            Shown(video, by_caption[caption].category, by_caption[caption].seconds * 1000)
            for caption, video in sorted(self._journal.uploaded.items())
        ]
        viewers = cast(n_viewers, list(LOOKS), rng)
        evenings = [(viewer, evening(viewer, videos, N_WATCHED, rng)) for viewer in viewers]
        waiting = enumerate(evenings, start=1)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(N_TOGETHER):
                tasks.create_task(self._take_turns(waiting))
        return sum(len(events) for _, events in evenings)

    async def _take_turns(self, waiting: Iterator[tuple[int, tuple[Viewer, list[dict[str, Any]]]]]) -> None:
        for n_done, (viewer, events) in waiting:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(asyncio.sleep(2 * N_TOGETHER / MAX_REQUESTS_PER_S))
                tasks.create_task(self._spend_evening(viewer, events))
            self._tell("viewers", n_done)

    async def _spend_evening(self, viewer: Viewer, events: list[dict[str, Any]]) -> None:
        edge = self._api.edge
        opened = await self._api.post(f"{edge}/v1/sessions", 201, json={"user_id": viewer.id, "n": 1})
        bearer = {"Authorization": f"Bearer {opened['session']['token']}"}
        named = [event | {"id": f"{viewer.id}-{i}"} for i, event in enumerate(events)]
        await self._api.post(f"{edge}/v1/events", 200, json={"events": named, "n": 1}, headers=bearer)
