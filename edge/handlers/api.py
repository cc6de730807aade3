"""Reads that the origin answers, cached briefly at the edge and served stale while the origin is away.

One request at a time goes to the origin for a path; the others of that moment share its answer.
"""

import asyncio
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import NamedTuple

from aiohttp import web

from edge import metrics
from edge.bounded import BoundedCache
from edge.errors import Withdrawn
from edge.feed.origin_api import Answer, OriginApi
from edge.handlers.based import id_of, with_changed, with_each_changed, with_member
from shared.clock import Clock
from shared.config import setting
from shared.errors import NotFound, Unavailable
from shared.ids import check_id


@dataclass(frozen=True)
class ApiLimits:
    """What is kept of the origin's answers."""

    max_answers: int = setting(5_000, "answers kept", low=10, high=1_000_000)
    fresh_s: float = setting(3.0, "an answer is served without asking for so long", unit="s", low=0)
    stale_s: float = setting(3_600.0, "and while the origin is away for so long", unit="s", low=0)


class _Kept(NamedTuple):
    answer: Answer
    at_s: float


class ApiHandler:
    """`/v1/videos/{id}`, `…/comments`, `/v1/users/{id}`, `…/videos`; and such reads for other handlers."""

    def __init__(
        self,
        origin: OriginApi,
        limits: ApiLimits,
        clock: Clock,
        media_base: Callable[[str, float], str],
        withdrawn: Container[str] = (),
    ) -> None:
        self._media_base = media_base
        self._origin = origin
        self._withdrawn = withdrawn
        self._limits = limits
        self._clock = clock
        self._kept: BoundedCache[_Kept] = BoundedCache(limits.max_answers)
        self._flights: dict[str, asyncio.Task[Answer]] = {}

    async def video(self, request: web.Request) -> web.Response:
        """The origin's answer, with the folder of the video's objects as `base`, signed if need be."""
        video = self._video(request)
        response = await self.read(request, f"/v1/videos/{video}")
        base = self._base(video)
        return changed(response, lambda body: with_member(body, "base", base))

    async def comments(self, request: web.Request) -> web.Response:
        return await self.read(request, f"/v1/videos/{self._video(request)}/comments")

    async def user(self, request: web.Request) -> web.Response:
        return await self.read(request, f"/v1/users/{checked(request)}")

    async def users_videos(self, request: web.Request) -> web.Response:
        """A creator's videos, newest first."""
        return await self.videos(request, "/v1/videos", creator=checked(request))

    async def videos(self, request: web.Request, path: str, **fixed: str) -> web.Response:
        """A list of videos without withdrawn ones, each with the folder of its objects, signed if need be."""
        response = await self.read(request, path, **fixed)
        return changed(response, lambda body: with_changed(body, "items", self._each_based))

    def based(self, video: bytes) -> bytes | None:
        """The JSON of a video with its `base`; None for a withdrawn one."""
        name = id_of(video)
        if name is None:
            return video
        if self.is_withdrawn(name):
            return None
        return with_member(video, "base", self._base(name))

    def is_withdrawn(self, video: str | None) -> bool:
        return video in self._withdrawn

    def _each_based(self, videos: bytes) -> bytes:
        return with_each_changed(videos, self.based)

    def forget(self, video_id: str) -> None:
        """A video changed: its answers are asked for anew."""
        self._kept.discard(f"/v1/videos/{video_id}?")

    def _base(self, video: str) -> str:
        return self._media_base(video, self._clock.wall_ms() / 1000)

    def _video(self, request: web.Request) -> str:
        """The video that is asked for. Raises Withdrawn."""
        video = checked(request)
        if video in self._withdrawn:
            raise Withdrawn("the video was withdrawn")
        return video

    async def read(self, request: web.Request, path: str, **fixed: str) -> web.Response:
        """The origin's answer, fresh or stale. Raises Unavailable: it has never answered, or too long ago."""
        passed = {
            name: request.query[name][:64] for name in ("before", "limit", "n") if name in request.query
        }
        query = {**fixed, **passed}
        key = f"{path}?{'&'.join(f'{name}={value}' for name, value in query.items())}"
        kept: _Kept | None = await self._kept.get(key)
        age_s = self._clock.monotonic() - kept.at_s if kept else float("inf")
        if kept and age_s < self._limits.fresh_s:
            return _told(kept.answer, "hit", age_s)
        try:
            answer = await self._ask(key, path, query)
        except Unavailable:
            if kept is None or age_s > self._limits.stale_s:
                metrics.API_READS.labels("failed").inc()
                raise
            return _told(kept.answer, "stale", age_s)
        return _told(answer, "origin", 0.0)

    async def _ask(self, key: str, path: str, query: dict[str, str]) -> Answer:
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fetch(key, path, query))
            self._flights[key] = flight
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        return await asyncio.shield(flight)

    async def _fetch(self, key: str, path: str, query: dict[str, str]) -> Answer:
        answer = await self._origin.read(path, query)
        await self._kept.set(key, _Kept(answer, self._clock.monotonic()))
        return answer


def checked(request: web.Request) -> str:
    """The id in the path. Raises InvalidRequest."""
    return check_id(request.match_info["id"], "id")


def changed(response: web.Response, change: Callable[[bytes], bytes]) -> web.Response:
    """An answer whose body, if it is a good one, is changed."""
    if response.status == 200 and isinstance(response.body, bytes):
        response.body = change(response.body)
    return response


def _told(answer: Answer, result: str, age_s: float) -> web.Response:
    metrics.API_READS.labels(result).inc()
    status = "fwd=miss" if result == "origin" else "hit"
    headers = {
        "Cache-Status": f"headstart-edge; {status}; detail={result}",
        "Age": str(int(age_s)),
        "Content-Type": answer.content_type,
        "Cache-Control": "no-cache",
    }
    return web.Response(status=answer.status, body=answer.body, headers=headers)


async def not_here(request: web.Request) -> web.Response:
    """Any other path below /v1: told as what it is, and not looked for at the origin."""
    raise NotFound(f"no call {request.path[:80]!r}")
