"""A viewer over HTTP: opens a session, watches, swipes; keeps book of what was sent and what failed."""

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any, Self

import aiohttp

SWIPE_LIMIT_S = 1.0
"""The opening chunk of the next video must be there by then, or the swipe has failed."""
ANSWER_LIMIT_S = 3.0


async def upload(http: aiohttp.ClientSession, origin: str, file: Path, **texts: str) -> str:
    """Upload a clip by plain multipart; returns the video's id."""
    form = aiohttp.FormData()
    for name, value in texts.items():
        form.add_field(name, value)
    form.add_field("file", file.read_bytes(), filename=file.name, content_type="video/mp4")
    async with http.post(f"{origin}/v1/videos", data=form) as answer:
        assert answer.status == 201, await answer.text()
        return str((await answer.json())["id"])


async def status(http: aiohttp.ClientSession, origin: str, video: str) -> str:
    """`queued`, `transcoding`, `playable`, `complete` or `failed`."""
    async with http.get(f"{origin}/v1/videos/{video}") as answer:
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["status"])


class Viewer:
    """One session at one edge. The feed that the edge last answered is `feed`."""

    def __init__(self, http: aiohttp.ClientSession, edge: str) -> None:
        self._http = http
        self._edge = edge
        self.user_id = self.id = self.token = ""
        self.feed: dict[str, Any] = {"items": []}
        self.boosts: Counter[str] = Counter()
        """What the interest counters must say, by category."""
        self.failed_swipes: list[str] = []
        self.failed_posts: list[str] = []
        self.n_swipes = 0

    async def open(self, user_id: str = "", n: int = 5) -> Self:
        """Start a session, as `user_id` if given."""
        body = {"n": n} | ({"user_id": user_id} if user_id else {})
        async with self._http.post(f"{self._edge}/v1/sessions", json=body) as answer:
            assert answer.status == 201, await answer.text()
            told = await answer.json()
        self.id, self.token = told["session"]["id"], told["session"]["token"]
        self.user_id, self.feed = told["session"]["user_id"], told["feed"]
        return self

    @property
    def bearer(self) -> dict[str, str]:
        """The header that says who asks."""
        return {"Authorization": f"Bearer {self.token}"}

    async def look(self, n: int = 5) -> list[dict[str, Any]]:
        """GET the feed; its items."""
        async with self._http.get(f"{self._edge}/v1/feed?n={n}", headers=self.bearer) as answer:
            assert answer.status == 200, await answer.text()
            self.feed = await answer.json()
        return list(self.feed["items"])

    async def post(self, *events: dict[str, Any], n: int = 5, **more: Any) -> dict[str, Any]:
        """POST events; keeps and returns the answer."""
        body = {"events": list(events), "n": n} | more
        async with self._http.post(f"{self._edge}/v1/events", json=body, headers=self.bearer) as answer:
            assert answer.status == 200, await answer.text()
            told: dict[str, Any] = await answer.json()
        assert not told["rejected"], told
        self.feed = told["feed"]
        return told

    async def watch(
        self, item: dict[str, Any], completion: float, *others: str, **more: Any
    ) -> dict[str, Any]:
        """Watch so much of an item, and do the `others` (`like`, …) with it."""
        category = item["card"]["category"]
        self.boosts[category] += 10 if completion > 0.9 else -10 if completion < 0.2 else 0
        watch = {"kind": "watch", "video": item["video"], "completion": completion}
        return await self.post(watch, *({"kind": kind, "video": item["video"]} for kind in others), **more)

    async def opening(self, item: dict[str, Any], headers: dict[str, str] | None = None) -> tuple[int, str]:
        """GET an item's opening chunk; the HTTP status and Cache-Status."""
        rung = item["card"]["rungs"][0]
        url = f"{self._edge}{item['base']}{rung['path']}/open.mp4"
        async with self._http.get(url, headers=headers or {}) as answer:
            body = await answer.read()
            whole = answer.status != 200 or len(body) == rung["open_bytes"]
            return (answer.status if whole else 0), answer.headers.get("Cache-Status", "")

    async def swipe(self, completion: float) -> None:
        """Go to the next video: its opening chunk must come in time. Then the edge is told."""
        if not self.feed["items"]:
            self.failed_swipes.append("the feed was empty")
            await self.look()
            return
        item = self.feed["items"][0]
        self.n_swipes += 1
        began = time.monotonic()
        try:
            async with asyncio.timeout(SWIPE_LIMIT_S):
                code, cached = await self.opening(item)
            if code != 200:
                self.failed_swipes.append(f"{item['video']}: {code} {cached}")
        except (aiohttp.ClientError, TimeoutError) as exc:
            self.failed_swipes.append(f"{item['video']}: {exc!r} after {time.monotonic() - began:.2f} s")
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await self.watch(item, completion, current=item["video"])
        except (aiohttp.ClientError, TimeoutError) as exc:
            self.failed_posts.append(repr(exc))

    async def swipe_for_ever(self, every_s: float) -> None:
        """Swipe at this pace, finishing every third video, until cancelled."""
        while True:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(asyncio.sleep(every_s))
                tasks.create_task(self.swipe((0.97, 0.1, 0.5)[self.n_swipes % 3]))
