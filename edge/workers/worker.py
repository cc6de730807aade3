"""A serving process beside the main one: RAM and the fast path; what it lacks it asks the main process for.

Everything that is not cached (sessions, feed, events, uploads of events) passes through to the main process,
which alone owns state. Purges come from there; see `order.py` for how none is missed.
"""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import aiohttp
import msgspec
from aiohttp import web

from edge.cache import heap
from edge.cache.key import PrimaryKey
from edge.cache.settings import CacheLimits, UpstreamLimits
from edge.cache.tags import Purge
from edge.cache.tiered import TieredCache
from edge.delivery import Delivery, DeliveryListener, DeliverySettings
from edge.handlers.purge import judge, networks
from edge.handlers.signed import MARK, Admitted, Gate
from edge.purge.node import PurgeLimits
from edge.serving.connections import ConnectionLimits
from edge.serving.guard import RequestLimits
from edge.serving.hot import HotLimits
from edge.serving.listener import ListenSettings
from edge.workers.inherited import CONTROL_SOCKET, LINGER_S, Inherited, control_socket
from edge.workers.order import Place, PurgeView, WorkerPurge
from shared.errors import InvalidRequest
from shared.health import Health
from shared.lifecycle import Lifecycle
from shared.web import add_operator_routes, error_middleware, json_response

log = logging.getLogger(__name__)

CHECK_S = 0.5
TO_MAIN = UpstreamLimits(connect_s=5.0, first_byte_s=60.0, stall_s=60.0, n_retries=2, n_connections=256)
"""The main process has its own deadlines towards the origin; an event stream is silent for 15 s at a time."""
MEDIA = "/v/"
MAX_ORDER_BYTES = 64 * 1024


class WorkerSettings(Protocol):
    """The part of an edge's configuration that a worker reads."""

    @property
    def cache(self) -> CacheLimits: ...
    @property
    def hot(self) -> HotLimits: ...
    @property
    def listening(self) -> ListenSettings: ...
    @property
    def connections(self) -> ConnectionLimits: ...
    @property
    def requests(self) -> RequestLimits: ...
    @property
    def purge(self) -> PurgeLimits: ...
    @property
    def grace_s(self) -> float: ...


class MediaGate(Gate):
    """Signatures of media only: all else that comes to a worker is for its main process to judge."""

    def admitted(self, target: str, now_s: float) -> Admitted:
        """As Gate's; what is no media passes."""
        if target.startswith((MARK, MEDIA)):
            return super().admitted(target, now_s)
        return Admitted(target, float("inf"))

    def for_peer(self, target: str, now_s: float) -> str:
        """As Gate's, for media."""
        return super().for_peer(target, now_s) if target.startswith(MEDIA) else target


async def run(part: Inherited, settings: WorkerSettings, limits: CacheLimits, gate: Gate) -> None:
    """Serve until SIGTERM. `limits` are those of the whole node, `gate` is its own."""
    await part.wait_for_go()
    cache = replace(part.share(limits), disk_bytes=0)
    delivery = Delivery(
        DeliverySettings(
            f"unix:{part.main_socket}",
            gate=gate,
            cache=cache,
            hot=settings.hot,
            upstream=TO_MAIN,
            is_worker=True,
        )
    )
    async with Lifecycle(settings.grace_s) as life:
        await life.start("delivery", delivery.open(), delivery.close)
        judge_purges(delivery, settings.purge)
        control = Control(delivery.cache, part.run_dir)
        await life.start("control", control.open(control_socket(part.run_dir, part.role)), control.close)
        await control.catch_up()
        life.supervise("purges", control.check_forever)
        server = DeliveryListener(delivery, settings.requests, settings.listening, settings.connections)
        await server.open("", part.listening())
        life.on_stop("http", lambda: server.close(linger_s=LINGER_S))
        part.tell_ready()
        heap.supervise(life, cache)
        await life.run_until_signal()


def judge_purges(delivery: Delivery, limits: PurgeLimits) -> None:
    """Who may use the method PURGE is judged here, where the address is known; the main process does it."""
    allowed = networks(limits.method_from)

    async def judged(request: web.BaseRequest, _: str) -> None:
        judge(request, allowed)

    if allowed:
        delivery.media.on_purge = judged


class Control:
    """What the main process asks of a worker."""

    def __init__(self, cache: TieredCache, run_dir: Path) -> None:
        self._cache = cache
        self._view = PurgeView()
        connector = aiohttp.UnixConnector(str(run_dir / CONTROL_SOCKET))
        self._main = aiohttp.ClientSession(
            "http://main", connector=connector, timeout=aiohttp.ClientTimeout(total=CHECK_S)
        )
        app = web.Application(middlewares=[error_middleware], client_max_size=MAX_ORDER_BYTES)
        app.router.add_post("/purge", self._purge)
        add_operator_routes(app, Health())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def open(self, path: Path) -> None:
        """Listen for purges."""
        await self._runner.setup()
        path.unlink(missing_ok=True)  # of the process before this one
        await web.UnixSite(self._runner, str(path)).start()

    async def close(self) -> None:
        """Take no more."""
        await self._main.close()
        await self._runner.cleanup()

    async def check_forever(self) -> None:
        """Ask the main process how far it is, and empty the RAM when a purge was missed."""
        while True:
            await asyncio.sleep(CHECK_S)
            await self.catch_up()

    async def catch_up(self) -> None:
        """Once. While the main process is away there is nothing to miss: it replays before it serves."""
        try:
            async with self._main.get("/place") as answer:
                place = msgspec.json.decode(await answer.read(), type=Place)
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as exc:
            log.debug("main_away", extra={"reason": repr(exc)})
            return
        if not self._view.compare(place):
            await self._empty()

    async def _purge(self, request: web.Request) -> web.Response:
        try:
            order = msgspec.json.decode(await request.read(), type=WorkerPurge)
        except msgspec.DecodeError as exc:
            raise InvalidRequest(f"not a purge: {exc}") from exc
        if not self._view.take(order.place):
            return json_response({"purged": await self._empty()})
        primary = None if order.primary is None else PrimaryKey(order.primary)
        purge = Purge(primary, order.tag, order.is_soft, order.at_ms)
        return json_response({"purged": await self._cache.purge(purge)})

    async def _empty(self) -> int:
        log.info("purges_missed")
        return await self._cache.purge(Purge())
