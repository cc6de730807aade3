"""From complete bytes to a queued video, the same for both upload ways; and what is swept away instead.

Order: probe in the jail → source into the media store → video, job and `is_done` in one transaction → local
bytes removed. A crash between two steps leaves an upload that `resume` finishes, or that `sweep` removes with
its source, because the video's id is given to the upload at its creation.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from origin import metrics
from origin.blobs import Blobs, free_bytes
from origin.catalog.records import NewVideo
from origin.catalog.sounds import Sounds, usable
from origin.catalog.videos import Videos
from origin.errors import DiskFull, TooBusy, UploadLocked
from origin.transcode.admission import ProbeLimits, ProbeResult
from origin.transcode.ladder import DEFAULT_RUNGS, ladder
from origin.transcode.probe import probe
from origin.uploads.metadata import SoundWish, TextLimits, VideoText, video_text
from origin.uploads.store import UploadStore
from origin.uploads.tus import UploadState
from shared.clock import Clock
from shared.errors import ServiceError
from shared.ids import new_id

log = logging.getLogger(__name__)

SOURCES = "sources"
"""Folder of the uploaded bytes in the media store."""
STAGED_S = 3600.0
"""A put into the media store that has not grown for so long was killed."""


@dataclass(frozen=True)
class IntakeLimits:
    """Bounds of everything that is on its way in."""

    max_bytes: int = 1024**3
    max_in_flight: int = 64
    max_unfinished: int = 10_000
    max_probes: int = 2
    reserve_bytes: int = 512 * 1024**2
    """Free disk that an upload must leave."""
    text: TextLimits = field(default_factory=TextLimits)
    probe: ProbeLimits = field(default_factory=ProbeLimits)
    rungs: tuple[str, ...] = DEFAULT_RUNGS


def source_key(video_id: str) -> str:
    """Where the uploaded bytes of a video are in the media store."""
    return f"{SOURCES}/{video_id}"


class Catalogue(NamedTuple):
    """Where a video goes, and where its sound comes from."""

    videos: Videos
    sounds: Sounds


class Intake:
    """Owns what is in flight: at most one request writes to an upload, at most `max_in_flight` in all."""

    def __init__(
        self, store: UploadStore, catalogue: Catalogue, blobs: Blobs, clock: Clock, limits: IntakeLimits
    ) -> None:
        self.store = store
        self.limits = limits
        self._catalogue = catalogue
        self._blobs = blobs
        self._clock = clock
        self._busy: set[str] = set()
        self._probes = asyncio.Semaphore(limits.max_probes)

    @contextmanager
    def hold(self, upload_id: str) -> Iterator[None]:
        """This request alone writes to the upload. Raises UploadLocked, TooBusy."""
        if upload_id in self._busy:
            raise UploadLocked("another request is writing to this upload")
        if len(self._busy) >= self.limits.max_in_flight:
            limit = self.limits.max_in_flight
            raise TooBusy(f"{limit} uploads are in flight, which is the limit; try again", limit=limit)
        self._busy.add(upload_id)
        metrics.UPLOADS_IN_FLIGHT.set(len(self._busy))
        try:
            yield
        finally:
            self._busy.discard(upload_id)
            metrics.UPLOADS_IN_FLIGHT.set(len(self._busy))

    def check_space(self, n_bytes: int) -> None:
        """Refuse what would not fit. Twice, because the source is copied into the media store."""
        needed = 2 * n_bytes + self.limits.reserve_bytes
        free = free_bytes(self.store.folder)
        if free < needed:
            raise DiskFull("not enough disk space", needed_bytes=needed, free_bytes=free)

    def check_text(self, fields: Mapping[str, str]) -> VideoText:
        """The words of an upload; raises what is wrong with them."""
        return video_text(fields, self.limits.text)

    async def check_sound(self, text: VideoText) -> None:
        """Refuse a sound that a new video may not use. Raises SoundUnavailable."""
        if text.sound:
            usable(await self._catalogue.sounds.choose(text.sound.video_id))

    def new_upload(self, length: int, metadata: dict[str, str], life_ms: int) -> UploadState:
        """An upload with fresh ids, not yet stored. Its id is a secret of its owner; the video's is not."""
        now_ms = self._clock.wall_ms()
        return UploadState(
            id=new_id(now_ms, os.urandom(10)),
            length=length,
            offset=0,
            expires_ms=now_ms + life_ms,
            metadata=metadata,
            video_id=new_id(now_ms, os.urandom(10)),
        )

    async def admit(self, state: UploadState) -> None:
        """Store an empty resumable upload. Raises TooBusy when too many are unfinished."""
        limit = self.limits.max_unfinished
        if await self.store.n_unfinished() >= limit:
            raise TooBusy(f"{limit} uploads are unfinished, which is the limit", limit=limit)
        await self.store.create(state, is_resumable=True)

    async def receive(self, upload_id: str, body: AsyncIterator[bytes], room: int, way: str) -> None:
        """Append `body`, at most `room` bytes. The caller holds the upload."""
        before = self.store.size(upload_id)
        try:
            await self.store.append(upload_id, body, room)
        finally:
            metrics.UPLOAD_BYTES.labels(way).inc(self.store.size(upload_id) - before)

    async def finish(self, state: UploadState, text: VideoText, way: str) -> None:
        """Make the video. A retryable failure leaves the upload to `resume`, any other removes it."""
        try:
            with metrics.PROBE_SECONDS.time():
                async with self._probes:
                    probed = await probe(self.store.path(state.id), self.limits.probe)
            await self._blobs.put(source_key(state.video_id), self.store.path(state.id))
            new = await self._with_sound(self._new_video(state, text, probed), text.sound)
            await self._catalogue.videos.create(new, self._clock.wall_ms(), state.id)
        except ServiceError as error:
            metrics.UPLOADS.labels(way, error.code).inc()
            if not error.retryable:
                await self.discard(state)
            raise
        self.store.drop_bytes(state.id)
        metrics.UPLOADS.labels(way, "accepted").inc()
        log.info("video_accepted", extra={"video": state.video_id, "way": way, "bytes": state.offset})

    async def discard(self, state: UploadState) -> None:
        """Leave nothing of an upload that has not become a video."""
        if not state.is_done:
            await self._blobs.delete(source_key(state.video_id))
        await self.store.remove(state.id)

    async def begin(self) -> None:
        """After a start: remove the plain uploads that the last process left half-way."""
        for state in await self.store.cut_off():
            await self.discard(state)
            metrics.SWEPT.labels("upload").inc()

    async def resume(self) -> None:
        """Finish every upload whose bytes are complete, but whose video a crash or an outage prevented."""
        for state in await self.store.unfinished():
            if not state.is_full or state.id in self._busy:
                continue
            try:
                with self.hold(state.id):
                    await self.finish(state, self.check_text(state.metadata), "tus")
            except ServiceError as error:
                log.info("upload_not_resumed", extra={"code": error.code, "reason": error.detail})

    async def sweep(self) -> None:
        """Remove expired uploads, and files that belong to none."""
        for state in await self.store.expired(self._clock.wall_ms()):
            if state.id not in self._busy:
                await self.discard(state)
                metrics.SWEPT.labels("upload").inc()
        for path in await self.store.strays():
            if path.name not in self._busy:
                path.unlink(missing_ok=True)
                metrics.SWEPT.labels("file").inc()
        before_s = self._clock.wall_ms() / 1000 - STAGED_S
        metrics.SWEPT.labels("file").inc(self._blobs.remove_staged(SOURCES, before_s))

    def _new_video(self, state: UploadState, text: VideoText, probed: ProbeResult) -> NewVideo:
        return NewVideo(
            id=state.video_id,
            creator_id=text.creator,
            caption=text.caption,
            category=text.category,
            hashtags=list(text.hashtags),
            source_bytes=state.offset,
            duration_ms=probed.duration_ms,
            width=probed.width,
            height=probed.height,
            has_audio=probed.has_audio,
            planned=[rendition.name for rendition in ladder(probed, self.limits.rungs)],
        )

    async def _with_sound(self, new: NewVideo, wish: SoundWish | None) -> NewVideo:
        """The video with its source named. Judged when the upload began, and again by the worker."""
        if wish is None:
            return new
        chosen = await self._catalogue.sounds.choose(wish.video_id)
        return msgspec.structs.replace(
            new,
            sound_id=chosen.id,
            sound_title=chosen.title,
            sound_volume=wish.sound_volume,
            original_volume=wish.original_volume,
        )
