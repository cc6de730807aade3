"""Some edges on one origin and one NATS, and what an operator and a load balancer see of them."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from edge.app import Edge
from edge.config import EdgeConfig
from shared.bus import Bus
from shared.messages.catalog import CatalogEvent, CatalogKind, VideoCard
from shared.subjects import CATALOG, catalog
from tests.card_origin import card_origin
from tests.edge_nodes import make_config, running_edge
from tests.waiting import eventually

ONE, TEN = "/v/1/open.mp4", "/v/10/open.mp4"


class Region:
    """Edges by name on one origin; each keeps its folder when it is stopped and started again."""

    def __init__(self, data_dir: Path, origin_url: str, nats_url: str) -> None:
        self.data_dir = data_dir
        self.origin_url = origin_url
        self.nats_url = nats_url
        self.http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20))

    def config(self, name: str, **changes: Any) -> EdgeConfig:
        fields = {"edge_id": name, "origin_url": self.origin_url, "nats_url": self.nats_url}
        return make_config(self.data_dir / name, **fields | {"reconcile_s": 3600.0} | changes)

    def edge(self, name: str, **changes: Any) -> AbstractAsyncContextManager[Edge]:
        """A running one."""
        return running_edge(self.config(name, **changes))

    async def status(self, edge: Edge, path: str) -> tuple[int, str]:
        """Of a GET: the status, and where it came from."""
        async with self.http.get(edge.url + path) as answer:
            await answer.read()
            return answer.status, answer.headers.get("Cache-Status", "")

    async def body(self, edge: Edge, path: str) -> bytes:
        """Of a GET."""
        async with self.http.get(edge.url + path) as answer:
            return await answer.read()

    async def is_hit(self, edge: Edge, path: str) -> bool:
        """Whether it was served from the cache."""
        return "; hit" in (await self.status(edge, path))[1]

    async def purge(self, edge: Edge, **asked: Any) -> dict[str, Any]:
        """What the operator gets."""
        async with self.http.post(f"{edge.admin_url}/admin/purge", json=asked) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())

    async def is_ready(self, edge: Edge) -> bool:
        """As a load balancer sees it."""
        async with self.http.get(f"{edge.url}/readyz") as answer:
            return answer.status == 200

    async def fill(self, *edges: Edge) -> None:
        """Both objects are on every edge, and on its disk."""
        for edge in edges:
            for path in (ONE, TEN):
                await self.status(edge, path)
            disk = edge.delivery.cache.disk
            assert disk is not None
            await eventually(lambda disk=disk: not disk.n_writing)

    async def tell(self, kind: CatalogKind, video: str, seq: int, card: VideoCard | None = None) -> None:
        """As the origin tells of a change: into the stream, from where whoever listens hears it too."""
        bus = await Bus.connect(self.nats_url, "origin", wait=True)
        await bus.ensure_streams([CATALOG])
        event = CatalogEvent(id=f"c{seq}", kind=kind, video_id=video, seq=seq, at_ms=1, card=card)
        await bus.publish_durable(catalog(kind), event, event.id)
        await bus.close()


@asynccontextmanager
async def running_region(data_dir: Path, nats_url: str) -> AsyncIterator[Region]:
    """A region without edges yet. Its origin has the videos 1 and 10, and serves a withdrawn one, too."""
    async with card_origin(("1", "10")) as origin:
        region = Region(data_dir, origin.url, nats_url)
        yield region
        await region.http.close()


async def know_each_other(*edges: Edge) -> None:
    names = {edge._config.edge_id for edge in edges}
    for edge in edges:
        await eventually(lambda edge=edge: names <= set(edge._desk._heard_s))
