"""`python -m edge --origin URL --listen HOST:PORT`: a shared HTTP cache in front of any origin, alone.

No bus, no sessions, and no path of our own: every path belongs to the origin. /healthz, /metrics and
/admin/purge are on `admin_listen` when that is given. Runs on aiohttp's low-level server, for there is
nothing to route.
"""

import hashlib
import logging
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from edge import listener
from edge.cache.query import ALL
from edge.cache.settings import CacheLimits, UpstreamLimits
from edge.connections import ConnectionLimits
from edge.delivery import Delivery, DeliverySettings
from edge.doorway import Doorway
from edge.handlers.guard import RequestLimits
from edge.handlers.purge import PurgeHandler
from edge.hot import HotLimits
from edge.peers.settings import PeerLimits
from edge.purge.desk import LocalDesk
from edge.purge.node import PurgeLimits
from edge.workers.inherited import LINGER_S, Inherited
from edge.workers.links import attach
from shared.clock import SystemClock
from shared.health import Health
from shared.lifecycle import Lifecycle
from shared.web import add_operator_routes, error_middleware, serve

log = logging.getLogger(__name__)


def to_the_letter(limits: CacheLimits) -> CacheLimits:
    """The limits without our own view of errors and cookies: RFC 9111 alone says whether and how long a
    response is kept. A surrogate in front of somebody's origin also obeys what is addressed to surrogates."""
    targets = (*limits.targets, *(name for name in SURROGATE if name not in limits.targets))
    return replace(
        limits,
        negative_s=0.0,
        negative_max_s=31536000.0,
        stores_cookies=True,
        targets=targets,
        query_kept=(ALL,),
    )


SURROGATE = ("Surrogate-Control",)
"""From before RFC 9213, and still sent; read as a targeted field when it has that form."""
PLAIN = to_the_letter(CacheLimits())
NODE = "alone"
"""Our name in receipts."""


async def run(
    origin: str,
    listen: str,
    folder: Path | None = None,
    *,
    limits: CacheLimits = PLAIN,
    upstream: UpstreamLimits | None = None,
    peers: PeerLimits | None = None,
    requests: RequestLimits | None = None,
    hot: HotLimits | None = None,
    listening: listener.ListenSettings | None = None,
    connections: ConnectionLimits | None = None,
    purge: PurgeLimits | None = None,
    part: Inherited | None = None,
    admin_listen: str = "",
    url_file: Path | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. `folder` holds the disk tier, apart for each origin; None: RAM only."""
    if part is not None:
        await part.wait_for_go()
        limits = part.share(limits)
    kept = None if folder is None else folder / hashlib.sha256(origin.encode()).hexdigest()[:16]
    settings = DeliverySettings(
        origin,
        kept,
        cache=limits,
        hot=hot or HotLimits(),
        upstream=upstream or UpstreamLimits(),
        peers=peers or PeerLimits(),
    )
    delivery = Delivery(settings)
    async with Lifecycle() as lifecycle:
        n_objects = await lifecycle.start("delivery", delivery.open(), delivery.close)
        if part is not None:
            await attach(part, delivery, lifecycle)
        purges = _purge_handler(delivery, purge or PurgeLimits())
        admin_url = ""
        if admin_listen:
            admin = await serve(_admin(purges), admin_listen)
            lifecycle.on_stop("admin", admin.stop)
            admin_url = admin.url
            if url_file is not None:
                url_file.with_name(f"{url_file.stem}-admin.url").write_text(admin_url)
        server = Listener(delivery, requests, listening, connections)
        url = await server.open(listen, part.listening() if part else ())
        lifecycle.on_stop("http", lambda: server.close(linger_s=LINGER_S if part else 0.0))
        if url_file is not None:
            url_file.write_text(url)
        if part is not None:
            part.tell_ready()
        told = {"url": url, "admin_url": admin_url, "origin": origin, "objects": n_objects}
        log.info("ready", extra=told)
        await lifecycle.run_until_signal()


class Listener(listener.Listener):
    """Serves a delivery and nothing else: every request goes to the media handler."""

    def __init__(
        self,
        delivery: Delivery,
        requests: RequestLimits | None = None,
        settings: listener.ListenSettings | None = None,
        limits: ConnectionLimits | None = None,
    ) -> None:
        judged = replace(requests or RequestLimits(), encoded_slash=True)
        runner = web.ServerRunner(web.Server(delivery.media.handle), shutdown_timeout=0.1)
        super().__init__(runner, lambda server: Doorway(server, judged), delivery.hot, settings, limits)


def _purge_handler(delivery: Delivery, limits: PurgeLimits) -> PurgeHandler:
    clock = SystemClock()
    handler = PurgeHandler(LocalDesk(delivery.purges, clock), NODE, clock, limits)
    if handler.takes_method:
        delivery.media.on_purge = handler.method
    return handler


def _admin(purges: PurgeHandler) -> web.Application:
    app = web.Application(middlewares=[error_middleware])
    app.router.add_post("/admin/purge", purges.purge)
    app.router.add_get("/admin/purges", purges.status)
    add_operator_routes(app, Health())
    return app
