"""What the origin tells of videos: cards, and each change of the catalogue. Pure."""

from enum import StrEnum
from typing import ClassVar

import msgspec

from shared.messages.message import Message


class CatalogKind(StrEnum):
    """What happened to a video in the catalogue."""

    PUBLISHED = "published"
    """The first rung is there: the video is playable."""
    UPDATED = "updated"
    """Another rung, a new caption, …: the card replaces the former one."""
    WITHDRAWN = "withdrawn"


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """One rendition of a video: enough to write a master playlist line and to plan a prefetch."""

    name: str
    """`360p`, by the short edge."""
    path: str
    """Folder below `/v/{video}/`: `360p-<digest>`; immutable."""
    width: int
    height: int
    bandwidth_bps: int
    """Peak segment bit rate, video and audio together."""
    codecs: str
    """RFC 6381, e.g. `avc1.64001e,mp4a.40.2`."""
    open_bytes: int
    """Size of `open.mp4`: init segment and first second."""
    init_bytes: int
    """Size of the init segment at the head of `open.mp4`."""
    chunk_bytes: list[int]
    """Sizes of the media segments by second; the first is the one inside `open.mp4`."""
    chunk_ms: list[int]
    """Durations of the same segments."""
    frame_rate: float = 0.0
    """Frames a second, constant; 0 when not told."""


class TextTrack(msgspec.Struct, frozen=True):
    """Captions of a video in one language (WebVTT)."""

    language: str
    """BCP 47, e.g. `en` or `pt-BR`."""
    label: str
    """What a menu shows."""
    path: str
    """Below `/v/{video}/`; immutable. Its HLS playlist has the same name, ending in `.m3u8`."""


class VideoCard(msgspec.Struct, frozen=True, kw_only=True):
    """What a player shows and a ranker knows of one video."""

    id: str
    creator_id: str
    creator_name: str
    caption: str
    category: str
    hashtags: list[str]
    """Lower case, without `#`."""
    duration_ms: int
    width: int
    height: int
    created_ms: int
    rungs: list[Rung]
    """Lowest first; only those that are published."""
    poster: str = ""
    """Path below `/v/{video}/` of the WebP poster; immutable."""
    poster_jpeg: str = ""
    blurhash: str = ""
    sound_id: str = ""
    """The video whose sound plays, often itself; empty on cards from before there were sounds."""
    sound_title: str = ""
    """At most 100 characters; empty for a video's own sound."""
    is_complete: bool = False
    """Every rung of the ladder is published."""
    likes: int = 0
    comments: int = 0
    shares: int = 0
    text_tracks: list[TextTrack] = []
    """At most 16, in the order in which they were added."""


class CatalogEvent(Message, frozen=True, kw_only=True):
    """Origin → brain, edges (stream CATALOG)."""

    KIND: ClassVar[str] = "catalog"

    id: str
    kind: CatalogKind
    video_id: str
    seq: int
    """Grows with every change of the catalogue; the later one wins."""
    at_ms: int
    card: VideoCard | None = None
    """None when withdrawn."""
