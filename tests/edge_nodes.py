"""An edge inside the test's own loop, and a viewer that swipes on it over real HTTP."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from edge.app import Edge
from edge.config import EdgeConfig
from edge.feed.cards import CardLimits
from shared.lifecycle import Lifecycle

EDGE = "edge-t"
DEAD_NATS = "nats://127.0.0.1:1"
DEAD_ORIGIN = "http://127.0.0.1:1"


def make_config(data_dir: Path, **changes: Any) -> EdgeConfig:
    fields: dict[str, Any] = {
        "listen": "127.0.0.1:0",
        "admin_listen": "127.0.0.1:0",
        "edge_id": EDGE,
        "region": "test",
        "data_dir": data_dir,
        "nats_url": DEAD_NATS,
        "origin_url": DEAD_ORIGIN,
        "reconcile_s": 1.0,
        "cards": CardLimits(absent_s=1.0),
    }
    return EdgeConfig(**fields | changes)


@asynccontextmanager
async def running_edge(config: EdgeConfig) -> AsyncIterator[Edge]:
    """An edge that listens; stopped in order at the end."""
    async with Lifecycle(grace_s=5.0) as life:
        edge = Edge(config)
        await edge.start(life)
        yield edge


class Viewer:
    """One player's requests."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http = http
        self.url = url
        self.session = ""
        self.user = ""
        self.token = ""

    async def open(self, **body: Any) -> dict[str, Any]:
        """A new session; returns its first slice."""
        answer = await self.call("POST", "/v1/sessions", json=body)
        self.session, self.user = answer["session"]["id"], answer["session"]["user_id"]
        self.token = answer["session"]["token"]
        return dict(answer["feed"])

    async def feed(self, n: int = 5) -> dict[str, Any]:
        return dict(await self.call("GET", f"/v1/feed?n={n}"))

    async def post(self, *events: dict[str, Any], **context: Any) -> dict[str, Any]:
        """Events; returns the whole answer."""
        return dict(await self.call("POST", "/v1/events", json={"events": list(events), **context}))

    async def swipe(self, video: str, completion: float = 1.0, **context: Any) -> dict[str, Any]:
        """Watched this one; returns the next slice."""
        answer = await self.post({"kind": "watch", "video": video, "completion": completion}, **context)
        return dict(answer["feed"])

    async def call(self, method: str, path: str, **options: Any) -> Any:
        """The JSON of an answer below 400."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.http.request(method, self.url + path, headers=headers, **options) as response:
            answer = await response.json(content_type=None)
        assert response.status < 400, answer
        return answer

    async def refused(self, method: str, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
        """Status and problem document of an answer from 400 on."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.http.request(method, self.url + path, **{"headers": headers} | options) as response:
            assert response.content_type == "application/problem+json"
            return response.status, await response.json(content_type=None)


@asynccontextmanager
async def viewer(url: str) -> AsyncIterator[Viewer]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
        yield Viewer(http, url)


def videos(feed: dict[str, Any]) -> list[str]:
    """The ids of a slice, in order."""
    return [item["video"] for item in feed["items"]]


def names(prefix: str, n: int) -> Sequence[str]:
    return [f"{prefix}{i}" for i in range(n)]
