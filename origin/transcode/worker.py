"""Takes transcoding jobs and publishes renditions as they finish, the first one before any other.

Catalogue and media store are ports: app.py gives the real ones. A job that runs twice does no harm: objects
are addressed by their content and a published rung is skipped.
"""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from origin.transcode.admission import ProbeLimits
from origin.transcode.effects import Effects, Preset, SoundMix
from origin.transcode.errors import NoWorkspace
from origin.transcode.jobs import JobLimits, Verdict, after_error, may_start, to_make
from origin.transcode.ladder import DEFAULT_RUNGS, ladder
from origin.transcode.metrics import JOBS as JOBS_TOTAL
from origin.transcode.metrics import RUNG_SECONDS
from origin.transcode.probe import probe
from origin.transcode.render import MediaObject, Posters, RenderedRung, Renderer
from origin.transcode.sniff import Container
from origin.transcode.workspace import workspace
from shared.bus import Bus, Outcome
from shared.errors import ServiceError, Unavailable
from shared.messages.jobs import TranscodeJob
from shared.subjects import JOBS, JOBS_FIRST, JOBS_LADDER

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LaidSound:
    """Another video's sound, to be laid under this one."""

    video_id: str
    paths: tuple[str, ...]
    """Objects of a rendition of it below `v/{video_id}/`; one behind the other they are a file."""
    duration_ms: int
    sound_volume: float
    original_volume: float


@dataclass(frozen=True)
class SourceVideo:
    """What the catalogue tells of a video that is to be transcoded."""

    published: frozenset[str] = frozenset()
    """Names of the rungs that are there."""
    has_poster: bool = False
    preset: Preset = Preset.NONE
    sound: LaidSound | None = None


class Catalogue(Protocol):
    """The worker's view of the catalogue. May raise Unavailable."""

    async def source(self, video_id: str) -> SourceVideo | None:
        """The video, now being transcoded; None when it is unknown, withdrawn or failed.

        Raises SoundUnavailable when it has no rung yet and its sound may no longer be used.
        """
        ...

    async def publish(self, video_id: str, rendered: RenderedRung, posters: Posters | None) -> bool:
        """Add a rung (and posters, when made); idempotent. False when nobody waits for it any more."""
        ...

    async def give_up(self, video_id: str, rungs: Sequence[str], reason: str) -> None:
        """These rungs will never be: a video without any is failed, another is complete without them."""
        ...


class MediaStore(Protocol):
    """The worker's view of the media store. May raise Unavailable."""

    async def fetch_source(self, video_id: str, to: Path) -> None:
        """Write the uploaded bytes to a file."""
        ...

    async def fetch_sound(self, sound: LaidSound, to: Path) -> None:
        """Write the rendition whose sound is used to a file."""
        ...

    async def put(self, video_id: str, objects: Sequence[MediaObject]) -> None:
        """Store the objects below `v/{video_id}/`; one that is there already is left as it is."""
        ...


class Lease(Protocol):
    """A delivered job's lease; shared.bus.Delivery is one."""

    @property
    def n_delivered(self) -> int: ...

    async def in_progress(self) -> None: ...


@dataclass(frozen=True)
class WorkerLimits:
    """Bounds of a worker, and the ladder that it makes."""

    rungs: tuple[str, ...] = DEFAULT_RUNGS
    probe: ProbeLimits = field(default_factory=ProbeLimits)
    jobs: JobLimits = field(default_factory=JobLimits)


LANES = {"transcode-first": JOBS_FIRST, "transcode-ladder": JOBS_LADDER}
"""Durable consumers by name, shared by all workers. A worker runs both at once: the first rung's ffmpeg has
the better CPU priority (render.py), so no ladder delays a new video."""

_OUTCOMES = {
    Verdict.DONE: Outcome.ACK,
    Verdict.DROP: Outcome.ACK,
    Verdict.RETRY: Outcome.RETRY,
    Verdict.FAIL: Outcome.TERM,
}


class Worker:
    """Handles one job at a time for each caller of `handle`; holds nothing between jobs."""

    def __init__(
        self,
        catalogue: Catalogue,
        media: MediaStore,
        renderer: Renderer,
        work_root: Path,
        limits: WorkerLimits,
    ) -> None:
        self._catalogue = catalogue
        self._media = media
        self._renderer = renderer
        self._work_root = work_root
        self._limits = limits

    async def handle(self, job: TranscodeJob, lease: Lease) -> Outcome:
        """Make the job's rungs. Cancelled, it kills ffmpeg and leaves nothing on disk."""
        try:
            async with _kept(lease, self._limits.jobs.sign_s):
                verdict = await self._attempt(job, lease.n_delivered)
        except ServiceError as error:
            verdict = after_error(error, lease.n_delivered, self._limits.jobs)
            told = {"video": job.video_id, "code": error.code, "reason": error.detail, "verdict": verdict}
            log.warning("job_failed", extra=told)
            if verdict is Verdict.FAIL:
                await self._catalogue.give_up(job.video_id, job.rungs, error.detail)
        JOBS_TOTAL.labels(verdict).inc()
        return _OUTCOMES[verdict]

    async def run_lane(self, bus: Bus, durable: str) -> None:
        """Take jobs of one of LANES for ever, one at a time."""
        await bus.consume(
            JOBS,
            durable,
            TranscodeJob,
            self.handle,
            filter_subject=LANES[durable],
            batch=1,
            ack_wait_s=self._limits.jobs.lease_s,
        )

    async def _attempt(self, job: TranscodeJob, n_delivered: int) -> Verdict:
        source = await self._catalogue.source(job.video_id)
        if source is None:
            return Verdict.DROP
        if set(job.rungs) <= source.published:
            return Verdict.DONE
        if not may_start(n_delivered, self._limits.jobs):
            reason = f"it took its worker down {n_delivered} times"
            await self._catalogue.give_up(job.video_id, job.rungs, reason)
            return Verdict.FAIL
        try:
            with workspace(self._work_root) as folder:
                return await self._make(job, source, folder)
        except OSError as exc:
            raise NoWorkspace(f"the work folder: {exc.strerror or exc}") from exc

    async def _make(self, job: TranscodeJob, source: SourceVideo, folder: Path) -> Verdict:
        file = folder / "source"
        await self._media.fetch_source(job.video_id, file)
        probed = await probe(file, self._limits.probe)
        effects = Effects(source.preset, await self._mix(source.sound, folder))
        material = await self._renderer.prepare(file, probed, effects)
        posters = None
        if not source.has_poster:
            posters = await self._renderer.render_posters(material, folder)
            await self._media.put(job.video_id, (posters.webp, posters.jpeg))
        for rendition in to_make(job.rungs, ladder(probed, self._limits.rungs), source.published):
            rung_folder = folder / rendition.name
            rung_folder.mkdir()
            with RUNG_SECONDS.labels(rendition.name).time():
                rendered = await self._renderer.render(material, rendition, rung_folder)
            await self._media.put(job.video_id, rendered.objects)
            shutil.rmtree(rung_folder)
            if not await self._catalogue.publish(job.video_id, rendered, posters):
                return Verdict.DROP
            posters = None
        return Verdict.DONE

    async def _mix(self, sound: LaidSound | None, folder: Path) -> SoundMix | None:
        if sound is None:
            return None
        file = (folder / "sound").absolute()
        await self._media.fetch_sound(sound, file)
        return SoundMix(
            str(file), Container.MOV, sound.original_volume, sound.sound_volume, sound.duration_ms
        )


@asynccontextmanager
async def _kept(lease: Lease, every_s: float) -> AsyncIterator[None]:
    """Renew the lease for as long as the context lasts. A renewal that fails does not stop the encode:
    at worst another worker makes the same rung."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(every_s)
            try:
                await lease.in_progress()
            except Unavailable as error:
                log.info("lease_not_renewed", extra={"reason": error.detail})

    task = asyncio.create_task(renew())
    try:
        yield
    finally:
        task.cancel()
