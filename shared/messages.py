"""Every message on the wire: frozen types, one `Kind` each, with a version.

Pure. A field is only ever added, with a default, so that version N reads N-1 and N-1 skips what it does not
know. Times are Unix milliseconds. Vectors are little-endian float16 bytes: half the size, and the scores that
they give differ by less than the exploration noise.
"""

from enum import StrEnum
from typing import ClassVar

import msgspec


class EventKind(StrEnum):
    """What a viewer did."""

    IMPRESSION = "impression"
    WATCH = "watch"
    LIKE = "like"
    UNLIKE = "unlike"
    COMMENT = "comment"
    SHARE = "share"
    FOLLOW = "follow"
    UNFOLLOW = "unfollow"
    NOT_INTERESTED = "not_interested"


class Source(StrEnum):
    """Which retrieval source, or which fallback, put a video into a queue."""

    VECTORS = "vectors"
    COVISIT = "covisit"
    TRENDING = "trending"
    FRESH = "fresh"
    FOLLOWING = "following"
    TAGS = "tags"
    EXPLORE = "explore"
    FALLBACK_TRENDING = "fallback_trending"
    FALLBACK_CACHED = "fallback_cached"


class CatalogKind(StrEnum):
    """What happened to a video in the catalogue."""

    PUBLISHED = "published"
    """The first rung is there: the video is playable."""
    UPDATED = "updated"
    """Another rung, a new caption, …: the card replaces the former one."""
    WITHDRAWN = "withdrawn"


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of what travels. `KIND` names the type and `VERSION` its revision."""

    KIND: ClassVar[str] = ""
    VERSION: ClassVar[int] = 1


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
    sound_title: str = ""
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


class ViewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a viewer did. Idempotent by `id`."""

    id: str
    kind: EventKind
    user_id: str
    session_id: str
    video_id: str
    at_ms: int
    category: str = ""
    creator_id: str = ""
    completion: float = 0.0
    """Share of the video that was watched, 0 to 1; above 1 for loops. Watch events only."""
    watched_ms: int = 0
    position: int = 0
    """Place in the session, counted from 0."""
    source: str = ""
    """Why it was shown: a `Source`."""
    propensity: float = 1.0
    """Probability with which it was shown at this place (exploration)."""
    text: str = ""
    """A comment's text."""


class EventBatch(Message, frozen=True, kw_only=True):
    """Edge → brain, origin (stream EVENTS). One POST of a player."""

    KIND: ClassVar[str] = "events"

    id: str
    edge_id: str
    region: str
    at_ms: int
    events: list[ViewEvent]


class Candidate(msgspec.Struct, frozen=True, array_like=True):
    """A queued video. An array on the wire: hundreds of them are a few kilobytes."""

    video_id: str
    score: float
    source: str
    propensity: float = 1.0


class RecentSignal(msgspec.Struct, frozen=True, array_like=True):
    """What a viewer did lately, as the brain counted it."""

    video_id: str
    kind: str
    """An `EventKind`."""
    completion: float
    category: str
    at_ms: int


class RankedQueue(Message, frozen=True, kw_only=True):
    """Brain → edge (core NATS, latest wins), and the answer to a QueueRequest."""

    KIND: ClassVar[str] = "queue"

    session_id: str
    user_id: str
    version: int
    """Grows for each session: the brain's wall clock in milliseconds, at least one more than the last."""
    model: str
    """Revision of the item vectors that `user_vector` belongs to."""
    user_vector: bytes
    """float16 (dim,); empty when nothing is known."""
    built_at_ms: int
    items: list[Candidate]
    """In the brain's order."""
    cause: str = ""
    """Id of the event that triggered it; empty for a request."""
    seen: list[str] = []
    """With a request's answer: the latest videos that this user has seen (at most 500), newest last."""
    recent: list[RecentSignal] = []
    """With a request's answer: the user's latest signals (at most 48), newest last."""


class QueueRequest(Message, frozen=True, kw_only=True):
    """Edge → brain, request/reply: a queue for a session that has none, or is running short."""

    KIND: ClassVar[str] = "queue_request"

    session_id: str
    user_id: str
    edge_id: str
    region: str
    n: int = 300


class VectorRequest(Message, frozen=True, kw_only=True):
    """Edge → brain, request/reply: the vectors of these items in this model revision."""

    KIND: ClassVar[str] = "vector_request"

    model: str
    """Empty: the current one."""
    video_ids: list[str]
    """At most 2,000."""


class VectorTable(Message, frozen=True, kw_only=True):
    """Answer to a VectorRequest; unknown videos are left out."""

    KIND: ClassVar[str] = "vectors"

    model: str
    dim: int
    mean: bytes
    """float16 (dim,): mean over all items, which DESIGN.md §5 subtracts."""
    video_ids: list[str]
    vectors: bytes
    """float16 (len(video_ids), dim), row by row."""


class ModelAnnouncement(Message, frozen=True, kw_only=True):
    """`brain train` → brains, and brain → edges: this model revision now serves."""

    KIND: ClassVar[str] = "model"

    model: str
    dim: int
    n_items: int
    n_users: int
    trained_at_ms: int


class FoundTag(msgspec.Struct, frozen=True):
    """A hashtag and how many videos have it."""

    tag: str
    """Without `#`."""
    n_videos: int
    score: float = 0.0
    """Of a trend: 0 to 1, the first is 1."""


class FoundCreator(msgspec.Struct, frozen=True):
    """A creator and how many videos are theirs."""

    id: str
    name: str
    n_videos: int


class SearchRequest(Message, frozen=True, kw_only=True):
    """Edge → brain, request/reply: what fits a viewer's words."""

    KIND: ClassVar[str] = "search_request"

    query: str
    """As typed, at most 200 characters count. `#tag` asks for exactly that hashtag."""
    region: str
    n: int = 20


class SearchAnswer(Message, frozen=True, kw_only=True):
    """Answer to a SearchRequest, best first."""

    KIND: ClassVar[str] = "search"

    videos: list[str]
    hashtags: list[FoundTag]
    """That begin as the query does; at most 10."""
    creators: list[FoundCreator]


class TrendingList(Message, frozen=True, kw_only=True):
    """Brain → edges of a region, each time it changes: what to show when nothing else is known."""

    KIND: ClassVar[str] = "trending"

    region: str
    at_ms: int
    items: list[Candidate]
    """At most 200, best first."""
    hashtags: list[FoundTag] = []
    """At most 30 that the trending videos have, best first."""


class Curve(msgspec.Struct, frozen=True, array_like=True):
    """How long viewers stay with a video."""

    shares: bytes
    """255 times the share still watching after 1, 2, … seconds; at most 120."""
    weight: float = 0.0
    """Viewers behind it, decayed with time; 0: taken over from others."""


class Retention(Message, frozen=True, kw_only=True):
    """Brain → edges, what changed, and the answer to a RetentionRequest; the latest wins."""

    KIND: ClassVar[str] = "retention"

    at_ms: int
    curves: dict[str, Curve]
    """By video, at most 500."""
    priors: dict[str, Curve] = {}
    """By category, for videos without a curve; `` is everybody's. Not told when they did not change."""


class RetentionRequest(Message, frozen=True, kw_only=True):
    """Edge → brain, request/reply: the curves of these videos; those that nobody watched are left out."""

    KIND: ClassVar[str] = "retention_request"

    video_ids: list[str]
    """At most 500."""


class EdgeHeartbeat(Message, frozen=True, kw_only=True):
    """Edge → whoever asks who is there, every few seconds."""

    KIND: ClassVar[str] = "heartbeat"

    edge_id: str
    region: str
    url: str
    at_ms: int
    n_sessions: int
    is_draining: bool = False
    purge_revision: int = 0
    """The last purge of the log that this node has applied."""


class PurgeScope(StrEnum):
    """What a purge names."""

    URL = "url"
    """A path (or URL) with all its variants and blocks."""
    TAG = "tag"
    """An exact surrogate tag."""
    CREATOR = "creator"
    """All of one creator's: the tag `creator:<id>`."""
    ALL = "all"


class PurgeOrder(Message, frozen=True, kw_only=True):
    """Edge → edges (stream PURGE): forget this, or ask the origin about it before it is used again."""

    KIND: ClassVar[str] = "purge"

    id: str
    scope: PurgeScope
    value: str = ""
    """The path, the tag or the creator's id; empty for all."""
    is_soft: bool = False
    issuer: str
    """Who gave the order, and hears the receipts."""
    at_ms: int


class PurgeReceipt(Message, frozen=True, kw_only=True):
    """Edge → who gave the order: this node has done it, in every tier."""

    KIND: ClassVar[str] = "purge_receipt"

    id: str
    """Of the order."""
    node: str
    revision: int
    """The order's sequence in the stream; 0 when it was applied without one."""
    n_objects: int
    took_ms: float
    """From the order's arrival at the node to the end of the purge there."""
    at_ms: int


class TranscodeJob(Message, frozen=True, kw_only=True):
    """Origin → worker (work queue JOBS): make these rungs of one video."""

    KIND: ClassVar[str] = "transcode"

    id: str
    video_id: str
    rungs: list[str]
    """Names of the ladder to make, in this order; the first job of a video asks for `360p` alone."""


ALL: tuple[type[Message], ...] = (
    CatalogEvent,
    EventBatch,
    RankedQueue,
    QueueRequest,
    VectorRequest,
    VectorTable,
    ModelAnnouncement,
    SearchRequest,
    SearchAnswer,
    TrendingList,
    Retention,
    RetentionRequest,
    EdgeHeartbeat,
    PurgeOrder,
    PurgeReceipt,
    TranscodeJob,
)
