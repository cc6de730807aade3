"""Wires the origin: catalogue, media store and bus, and on them the API or a transcoding worker."""

import asyncio
import logging
import os
from functools import partial
from pathlib import Path

from aiohttp import web

from origin import keeper
from origin.blobs import Blobs
from origin.bus import OutboxPublisher, SocialConsumer
from origin.catalog.database import Database
from origin.catalog.outbox import Outbox
from origin.catalog.social import Social
from origin.catalog.sounds import Sounds
from origin.catalog.users import Users
from origin.catalog.videos import Videos
from origin.config import OriginConfig, obstore_url, probe_limits, sqlalchemy_url, text_limits
from origin.handlers.captions import Captions
from origin.handlers.catalog import CatalogReads
from origin.handlers.cors import open_to_all
from origin.handlers.media import Media
from origin.handlers.sounds import SoundReads
from origin.handlers.studio import Studio
from origin.handlers.tus import TusUploads
from origin.handlers.uploads import PlainUploads, ReceiveLimits
from origin.ports import WorkerCatalogue, WorkerMedia
from origin.transcode import jail
from origin.transcode.jobs import JobLimits
from origin.transcode.render import Renderer, RenderLimits, find_ffmpeg
from origin.transcode.worker import LANES, Worker, WorkerLimits
from origin.transcode.workspace import sweep as sweep_workspaces
from origin.uploads.intake import Catalogue, Intake, IntakeLimits
from origin.uploads.store import UploadStore
from origin.uploads.tus import TusLimits
from shared.bus import Bus
from shared.clock import SystemClock
from shared.errors import NotFound, Unavailable
from shared.health import Health
from shared.ids import video_id
from shared.lifecycle import Lifecycle
from shared.subjects import STREAMS
from shared.web import add_operator_routes, error_middleware, serve

log = logging.getLogger(__name__)

NAME = "origin"
WORKER_POLLS = 5
"""A worker looks into the outbox this much more rarely than the API: it is the spare publisher."""
_STUDIO = Path(__file__).with_name("studio")


class Stores:
    """What API and worker share: the catalogue, the media store, the bus."""

    def __init__(self, config: OriginConfig) -> None:
        config.data_dir.mkdir(parents=True, exist_ok=True)
        self.database = Database(sqlalchemy_url(config))
        self.videos = Videos(self.database)
        self.sounds = Sounds(self.database)
        self.outbox = Outbox(self.database)
        self.blobs = Blobs(obstore_url(config))
        self.clock = SystemClock()

    async def start(self, life: Lifecycle, config: OriginConfig, name: str) -> Bus:
        """Bring the schema up; connect the bus, in the background if it is away."""
        await life.start("database", self.database.migrate(), self.database.close)
        bus = await life.start("bus", Bus.connect(config.nats_url, name))
        life.on_stop("bus", bus.close)
        try:
            await bus.ensure_streams(STREAMS)
        except Unavailable as error:
            log.warning("streams_later", extra={"reason": error.detail})
        return bus


class Api:
    """The HTTP service with its background rounds."""

    def __init__(self, config: OriginConfig) -> None:
        self._config = config
        self._stores = Stores(config)
        self._social = Social(self._stores.database)
        self.health = Health()
        self.url = ""

    async def start(self, life: Lifecycle) -> None:
        """Everything in order; returns when it listens."""
        config, stores = self._config, self._stores
        bus = await stores.start(life, config, NAME)
        watches = {
            "catalogue": keeper.Watch(stores.database.check),
            "media store": keeper.Watch(stores.blobs.check),
        }
        for name, watch in watches.items():
            await watch.ask()
            self.health.add(name, watch.reason)
            life.supervise(name, watch.run)
        intake = self._intake()
        publisher = OutboxPublisher(stores.outbox, bus, config.bus.poll_s)
        consumer = SocialConsumer(self._social, stores.clock, config.text.comment_chars)
        reorder = partial(keeper.order_lost_jobs, stores.videos, stores.clock)
        life.supervise("outbox", publisher.run)
        life.supervise("social", partial(consumer.run, bus))
        life.supervise(
            "counts", partial(keeper.announce_counts, self._social, stores.clock, config.bus.counts_s)
        )
        life.supervise("markers", partial(keeper.forget_events, self._social, stores.clock))
        life.supervise("uploads", partial(keeper.sweep_uploads, intake, config.uploads.sweep_s))
        await reorder()
        bus.on_reconnect(reorder)
        server = await life.start("http", serve(self._application(intake), config.listen))
        life.on_stop("http", partial(server.stop, config.grace_s / 2))
        life.on_stop("traffic", self._drain)
        self.url = server.url

    async def _drain(self) -> None:
        self.health.set_draining()

    def _intake(self) -> Intake:
        config, stores = self._config, self._stores
        store = UploadStore(stores.database, config.data_dir / "uploads")
        limits = IntakeLimits(
            max_bytes=config.uploads.max_bytes,
            max_in_flight=config.uploads.max_in_flight,
            max_unfinished=config.uploads.max_unfinished,
            max_probes=config.uploads.max_probes,
            reserve_bytes=config.uploads.reserve_bytes,
            text=text_limits(config),
            probe=probe_limits(config),
            rungs=config.video.rungs,
        )
        return Intake(store, Catalogue(stores.videos, stores.sounds), stores.blobs, stores.clock, limits)

    def _application(self, intake: Intake) -> web.Application:
        config, stores = self._config, self._stores
        app = web.Application(middlewares=[error_middleware])
        add_operator_routes(app, self.health)
        receive = ReceiveLimits(config.uploads.idle_s, config.uploads.total_s)
        tus_limits = TusLimits(config.uploads.max_bytes, int(config.uploads.expiry_s * 1000))
        PlainUploads(intake, receive).add_routes(app)
        TusUploads(intake, stores.clock, tus_limits, receive, config.public_url).add_routes(app)
        CatalogReads(stores.videos, self._social, Users(stores.database)).add_routes(app)
        SoundReads(stores.sounds).add_routes(app)
        Media(stores.videos, stores.blobs).add_routes(app)
        Captions(stores.videos, stores.blobs, stores.clock).add_routes(app)
        Studio(_STUDIO).add_routes(app)
        open_to_all(app)
        return app


async def run_api(config: OriginConfig) -> None:
    """Serve until a signal."""
    async with Lifecycle(config.grace_s) as life:
        api = Api(config)
        await api.start(life)
        url_file = config.data_dir / f"{NAME}.url"
        await asyncio.to_thread(url_file.write_text, api.url, "utf-8")
        log.info("ready", extra={"url": api.url})
        await life.run_until_signal()


async def run_worker(config: OriginConfig) -> None:
    """Take jobs until a signal. Several of these may run, here and on other machines."""
    async with Lifecycle(config.grace_s) as life:
        stores = Stores(config)
        bus = await stores.start(life, config, f"{NAME}-worker")
        publisher = OutboxPublisher(stores.outbox, bus, config.bus.poll_s * WORKER_POLLS)
        life.supervise("outbox", publisher.run)
        work_root = config.data_dir / "work"
        await asyncio.to_thread(work_root.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(sweep_workspaces, work_root)
        await jail.strength(work_root)
        worker = _worker(config, stores, work_root)
        for durable in LANES:
            life.supervise(durable, partial(worker.run_lane, bus, durable))
        log.info("ready", extra={"url": ""})
        await life.run_until_signal()


def _worker(config: OriginConfig, stores: Stores, work_root: Path) -> Worker:
    jobs = JobLimits(
        max_tries=config.worker.max_tries, lease_s=config.worker.lease_s, sign_s=config.worker.lease_s / 3
    )
    return Worker(
        WorkerCatalogue(stores.videos, stores.sounds, stores.clock),
        WorkerMedia(stores.blobs),
        Renderer(find_ffmpeg(os.environ), RenderLimits(threads=config.worker.threads)),
        work_root,
        WorkerLimits(rungs=config.video.rungs, probe=probe_limits(config), jobs=jobs),
    )


async def withdraw(config: OriginConfig, video: str) -> None:
    """Take a video back: the API or a worker tells it, from the outbox."""
    stores = Stores(config)
    try:
        if not await stores.database.is_built():
            raise NotFound(f"no catalogue in {config.data_dir} or the database that is configured")
        await stores.videos.withdraw(video_id(video), stores.clock.wall_ms())
    finally:
        await stores.database.close()
