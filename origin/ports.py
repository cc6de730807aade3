"""What a transcoding worker may do to catalogue and media store: the ports of `transcode/worker.py`."""

from collections.abc import Sequence
from pathlib import Path

from origin.blobs import Blobs
from origin.catalog.records import Rendition, Stills, StoredObject, Video
from origin.catalog.sounds import Sounds, usable
from origin.catalog.videos import Videos
from origin.packaging import playlist
from origin.transcode.render import MediaObject, Posters, RenderedRung
from origin.transcode.worker import LaidSound, SourceVideo
from origin.uploads.intake import source_key
from shared.clock import Clock


class WorkerCatalogue:
    """The catalogue as a worker sees it."""

    def __init__(self, videos: Videos, sounds: Sounds, clock: Clock) -> None:
        self._videos = videos
        self._sounds = sounds
        self._clock = clock

    async def source(self, video_id: str) -> SourceVideo | None:
        """The video, now being transcoded; None when nobody waits for it. May raise SoundUnavailable."""
        video = await self._videos.start(video_id, self._clock.wall_ms())
        if video is None:
            return None
        published = frozenset(rung.name for rung in await self._videos.published(video_id))
        sound = None if video.source_id == video_id else await self._sound(video, is_new=not published)
        return SourceVideo(published=published, has_poster=bool(video.poster), sound=sound)

    async def _sound(self, video: Video, *, is_new: bool) -> LaidSound:
        """From the lowest rung of its source: at the common loudness already, and in small objects."""
        chosen = await self._sounds.choose(video.source_id)
        if is_new:  # one that plays keeps its sound, in all its rungs
            usable(chosen)
        rung = (await self._videos.published(chosen.id))[0]
        names = (playlist.OPEN_NAME, *map(playlist.chunk_name, range(1, len(rung.chunk_bytes))))
        paths = tuple(f"{rung.path}/{name}" for name in names)
        duration_ms = sum(rung.chunk_ms)
        return LaidSound(chosen.id, paths, duration_ms, video.sound_volume, video.original_volume)

    async def publish(self, video_id: str, rendered: RenderedRung, posters: Posters | None) -> bool:
        """Add a rung, and the pictures; False when nobody waits for it any more."""
        rendition = Rendition(rendered.rung, _manifest(rendered.objects))
        stills = _stills(posters) if posters else None
        return await self._videos.publish(video_id, rendition, stills, self._clock.wall_ms())

    async def give_up(self, video_id: str, rungs: Sequence[str], reason: str) -> None:
        """These rungs will never be."""
        await self._videos.give_up(video_id, rungs, reason, self._clock.wall_ms())


class WorkerMedia:
    """The media store as a worker sees it."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def fetch_source(self, video_id: str, to: Path) -> None:
        """The uploaded bytes."""
        await self._blobs.fetch(to, source_key(video_id))

    async def fetch_sound(self, sound: LaidSound, to: Path) -> None:
        """The rendition whose sound is used."""
        await self._blobs.fetch(to, *(f"v/{sound.video_id}/{path}" for path in sound.paths))

    async def put(self, video_id: str, objects: Sequence[MediaObject]) -> None:
        """Store what is not there; the path has the content's digest, so the same size is the same object."""
        for item in objects:
            key = f"v/{video_id}/{item.path}"
            if await self._blobs.size(key) != item.size_bytes:
                await self._blobs.put(key, item.file)


def _manifest(objects: Sequence[MediaObject]) -> list[StoredObject]:
    return [StoredObject(item.path, item.size_bytes, item.sha256) for item in objects]


def _stills(posters: Posters) -> Stills:
    return Stills(
        poster=posters.webp.path,
        poster_jpeg=posters.jpeg.path,
        blurhash=posters.blurhash,
        stills=_manifest((posters.webp, posters.jpeg)),
    )
