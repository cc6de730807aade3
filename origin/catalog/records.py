"""The catalogue's rows as values, the life of a video, and its card.

Pure. queued → transcoding → playable → complete; `failed` only while nothing is playable, because a video
that plays must not stop when a higher rung cannot be made. `withdrawn` ends every life.
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from shared.messages.catalog import CatalogEvent, CatalogKind, Rung, TextTrack, VideoCard
from shared.messages.jobs import TranscodeJob


class Status(StrEnum):
    """Where a video stands."""

    QUEUED = "queued"
    TRANSCODING = "transcoding"
    PLAYABLE = "playable"
    COMPLETE = "complete"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


class StoredObject(msgspec.Struct, frozen=True):
    """One immutable media object. `path` is below `/v/{video}/`."""

    path: str
    n_bytes: int
    sha256: str
    """Hexadecimal."""


class OwnedObject(msgspec.Struct, frozen=True):
    """What it takes to serve a stored object."""

    stored: StoredObject
    creator_id: str


class StoredTrack(msgspec.Struct, frozen=True):
    """Captions in one language: the text, and the HLS playlist of it."""

    track: TextTrack
    objects: list[StoredObject]


class NewVideo(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted upload that becomes a video."""

    id: str
    creator_id: str
    caption: str
    category: str
    hashtags: list[str]
    source_bytes: int
    duration_ms: int
    width: int
    height: int
    planned: list[str]
    """Names of the ladder's rungs, lowest first."""
    has_audio: bool = True
    """False: its own sound is silence, which nobody else can use."""
    sound_id: str = ""
    """The video whose sound it plays; empty: its own."""
    sound_title: str = ""
    """Empty: its own."""
    sound_volume: float = 1.0
    """Of the chosen sound, as `original_volume` of its own beside it; both without meaning for its own."""
    original_volume: float = 0.0


class Video(NewVideo, frozen=True, kw_only=True):
    """A row of `videos`."""

    status: Status
    error: str
    created_ms: int
    changed_ms: int
    poster: str
    poster_jpeg: str
    blurhash: str
    stills: list[StoredObject]
    text_tracks: list[StoredTrack]
    likes: int
    comments: int
    shares: int
    first_seq: int | None
    seq: int | None

    @property
    def source_id(self) -> str:
        """The video whose sound it plays; a process from before there were sounds writes rows without one."""
        return self.sound_id or self.id


class Rendition(msgspec.Struct, frozen=True):
    """A published rung and its files."""

    rung: Rung
    objects: list[StoredObject]


class Stills(msgspec.Struct, frozen=True, kw_only=True):
    """The pictures of a video: paths below `/v/{video}/`."""

    poster: str
    poster_jpeg: str
    blurhash: str
    stills: list[StoredObject]


def after_start(status: Status) -> Status:
    """The status when a worker takes a job: never a step back."""
    return Status.TRANSCODING if status is Status.QUEUED else status


def is_waited_for(status: Status) -> bool:
    """Is a rung of this video still of use?"""
    return status not in (Status.WITHDRAWN, Status.FAILED)


def after_rung(planned: Iterable[str], published: Iterable[str]) -> Status:
    """The status of a video that is waited for, when the rungs in `published` are there."""
    names = set(published)
    if not names:
        return Status.FAILED
    return Status.COMPLETE if set(planned) <= names else Status.PLAYABLE


def is_public(status: Status) -> bool:
    """May anyone see the video and its media?"""
    return status in (Status.PLAYABLE, Status.COMPLETE)


def first_job(video_id: str, planned: list[str]) -> TranscodeJob:
    """What makes a video playable."""
    return TranscodeJob(id=f"{video_id}-first", video_id=video_id, rungs=planned[:1])


def ladder_job(video_id: str, planned: list[str]) -> TranscodeJob | None:
    """What completes a playable video, if anything is left to do."""
    rest = planned[1:]
    return TranscodeJob(id=f"{video_id}-ladder", video_id=video_id, rungs=rest) if rest else None


def waiting_job(video: Video) -> TranscodeJob | None:
    """The job that a video in this status waits for; None when it waits for nothing."""
    if video.status in (Status.QUEUED, Status.TRANSCODING):
        return first_job(video.id, video.planned)
    if video.status is Status.PLAYABLE:
        return ladder_job(video.id, video.planned)
    return None


def card(video: Video, creator_name: str, rungs: Iterable[Rung]) -> VideoCard:
    """What players and rankers see of a video."""
    return VideoCard(
        id=video.id,
        creator_id=video.creator_id,
        creator_name=creator_name,
        caption=video.caption,
        category=video.category,
        hashtags=video.hashtags,
        duration_ms=video.duration_ms,
        width=video.width,
        height=video.height,
        created_ms=video.created_ms,
        rungs=sorted(rungs, key=lambda rung: min(rung.width, rung.height)),
        poster=video.poster,
        poster_jpeg=video.poster_jpeg,
        blurhash=video.blurhash,
        is_complete=video.status is Status.COMPLETE,
        likes=video.likes,
        comments=video.comments,
        shares=video.shares,
        sound_id=video.source_id,
        sound_title=video.sound_title,
        text_tracks=[stored.track for stored in video.text_tracks],
    )


def catalog_event(video: Video, shown: VideoCard, at_ms: int) -> CatalogEvent:
    """The announcement of a video's latest change; `video.seq` is set."""
    seq = video.seq or 0
    kind = CatalogKind.PUBLISHED if video.seq == video.first_seq else CatalogKind.UPDATED
    if video.status is Status.WITHDRAWN:
        kind = CatalogKind.WITHDRAWN
    return CatalogEvent(
        id=f"{video.id}-{seq}",
        kind=kind,
        video_id=video.id,
        seq=seq,
        at_ms=at_ms,
        card=None if kind is CatalogKind.WITHDRAWN else shown,
    )
