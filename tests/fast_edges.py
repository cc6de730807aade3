"""A delivery behind the fast listener and, for comparison, behind plain aiohttp, over one cache."""

import asyncio
import gc
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from aiohttp import web

from edge.cache.settings import CacheLimits, UpstreamLimits
from edge.delivery import CORS, Delivery, DeliveryListener, DeliverySettings
from edge.serving.connections import ConnectionLimits
from edge.serving.doorway import Doorway
from edge.serving.guard import RequestLimits
from edge.serving.hot import HotLimits
from edge.serving.listener import ListenSettings
from edge.serving.memfile import MemFile
from shared import metrics
from shared.clock import SystemClock
from tests.edge_cache_builders import FakeClock
from tests.origins import ScriptedOrigin
from tests.waiting import eventually
from tests.wire import Wire, get

BIG = random.Random(7).randbytes(1_000_000)
LIMITS = ConnectionLimits(drain_s=1.0, log_share=0.0)
SMALL_BUFFER = ListenSettings(send_buffer_bytes=16 * 1024)


def n_files() -> int:
    """Files that somebody still holds."""
    gc.collect()
    return MemFile.n_open


@dataclass
class Served:
    """A delivery behind the fast listener and behind plain aiohttp, over one cache."""

    delivery: Delivery
    clock: FakeClock
    fast: str
    """URL of the fast listener."""
    plain: str
    """URL of plain aiohttp."""
    listener: DeliveryListener

    def is_hot(self, target: str = "/a") -> bool:
        """Whether the fast path has an answer for the whole of target."""
        return f"GET {target} HTTP/1.1".encode() in self.delivery.hot.whole


@asynccontextmanager
async def serving(
    origin: ScriptedOrigin,
    *,
    hot: HotLimits | None = None,
    limits: ConnectionLimits = LIMITS,
    listening: ListenSettings | None = None,
    requests: RequestLimits | None = None,
    listen: str = "127.0.0.1:0",
    cache: CacheLimits | None = None,
    upstream: UpstreamLimits | None = None,
) -> AsyncIterator[Served]:
    clock = FakeClock(SystemClock().wall_ms() // 1000 * 1000)
    settings = DeliverySettings(
        origin.url,
        hot=hot or HotLimits(n_files=64),
        extra_headers=CORS,
        cache=cache or CacheLimits(),
        upstream=upstream or UpstreamLimits(),
    )
    delivery = Delivery(settings, clock)
    await delivery.open()
    listener = DeliveryListener(delivery, requests, listening, limits)
    try:
        fast = await listener.open(listen)
    except BaseException:
        await delivery.close()
        raise
    server = web.Server(delivery.media.handle)
    doorway = Doorway(server, replace(requests or RequestLimits(), encoded_slash=True))
    plain = await asyncio.get_running_loop().create_server(doorway, "127.0.0.1", 0)
    plain_url = f"http://127.0.0.1:{plain.sockets[0].getsockname()[1]}"
    try:
        yield Served(delivery, clock, fast, plain_url, listener)
    finally:
        await listener.close()
        plain.close()
        await server.shutdown(0.1)
        doorway.close()
        await delivery.close()


async def heated(wire: Wire, *requests: bytes) -> None:
    """Ask twice: the first time fills the cache, the second one prepares the answer."""
    for request in requests or (get(),):
        await wire.ask(request)
        await wire.ask(request)


def hits() -> float:
    return (
        metrics.REGISTRY.get_sample_value("edge_cache_requests_total", {"tier": "memory", "result": "hit"})
        or 0.0
    )


async def asked_often(served: Served, wire: Wire) -> None:
    """Ask for /a until the answer is known by heart: hits are folded ten times a second."""

    async def is_current() -> bool:
        await heated(wire)
        return bool(served.delivery.hot.current)

    await eventually(is_current)


def fallen_through(served: Served) -> bool:
    """Whether aiohttp has a connection."""
    transports = [(one, one.transport) for one in served.listener.connections]
    return any(transport is not None and transport.get_protocol() is not one for one, transport in transports)
