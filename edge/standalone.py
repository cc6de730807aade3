"""`python -m edge --origin URL --listen HOST:PORT`: a shared HTTP cache in front of any origin, alone.

No bus, no sessions, and no path of our own: every path belongs to the origin. /healthz, /metrics and
/admin/purge are on `admin_listen` when that is given. Runs on aiohttp's low-level server, for there is
nothing to route.
"""

import hashlib
import logging
from dataclasses import replace

from aiohttp import web

from edge.cache import heap
from edge.cache.query import ALL
from edge.cache.settings import CacheLimits
from edge.config import EdgeConfig
from edge.delivery import Delivery, DeliveryListener, DeliverySettings
from edge.handlers.purge import PurgeHandler
from edge.handlers.signed import Gate
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
FOLDER = "edge-alone"
NODE = "alone"
"""Our name in receipts."""


async def run(config: EdgeConfig, part: Inherited | None = None) -> None:
    """Serve until SIGTERM or SIGINT. `part`: as the main process of a supervised edge."""
    limits = to_the_letter(config.cache)
    if part is not None:
        await part.wait_for_go()
        limits = part.share(limits)
    folder = config.data_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    delivery = Delivery(
        DeliverySettings(
            config.origin_url,
            folder / "cache" / hashlib.sha256(config.origin_url.encode()).hexdigest()[:16],
            gate=Gate(config.signed),
            cache=limits,
            hot=config.hot,
            upstream=config.upstream,
            peers=config.peers,
        )
    )
    async with Lifecycle(config.grace_s) as life:
        n_objects = await life.start("delivery", delivery.open(), delivery.close)
        if part is not None:
            await attach(part, delivery, life)
        admin_url = await _administer(config, delivery, life, part.main_socket if part else "")
        server = DeliveryListener(delivery, config.requests, config.listening, config.connections)
        url = await server.open(config.listen, part.listening() if part else ())
        life.on_stop("http", lambda: server.close(linger_s=LINGER_S if part else 0.0))
        life.take_signals()
        (config.data_dir / f"{FOLDER}.url").write_text(url)
        if part is not None:
            part.tell_ready()
        heap.supervise(life, limits)
        told = {"url": url, "admin_url": admin_url, "origin": config.origin_url, "objects": n_objects}
        log.info("ready", extra=told)
        await life.run_until_signal()


async def _administer(config: EdgeConfig, delivery: Delivery, life: Lifecycle, workers_at: str) -> str:
    """Purge, metrics and health on a listener of their own, when it is asked for; its URL, or nothing."""
    purges = _purge_handler(delivery, config.purge, workers_at)
    if not config.admin_listen:
        return ""
    admin = await serve(_admin(purges), config.admin_listen)
    life.on_stop("admin", admin.stop)
    (config.data_dir / f"{FOLDER}-admin.url").write_text(admin.url)
    return admin.url


def _purge_handler(delivery: Delivery, limits: PurgeLimits, workers_at: str = "") -> PurgeHandler:
    clock = SystemClock()
    handler = PurgeHandler(LocalDesk(delivery.purges, clock), NODE, clock, limits)
    handler.take_method(delivery.media, workers_at)
    return handler


def _admin(purges: PurgeHandler) -> web.Application:
    app = web.Application(middlewares=[error_middleware])
    app.router.add_post("/admin/purge", purges.purge)
    app.router.add_get("/admin/purges", purges.status)
    add_operator_routes(app, Health())
    return app
