"""What the brain has a viewer see next: a session's queue, a region's trending list. Pure."""

from enum import StrEnum
from typing import ClassVar

import msgspec

from shared.messages.message import Message
from shared.messages.search import FoundTag


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
    seen: list[str] = msgspec.field(default_factory=list)
    """With a request's answer: the latest videos that this user has seen (at most 500), newest last."""
    recent: list[RecentSignal] = msgspec.field(default_factory=list)
    """With a request's answer: the user's latest signals (at most 48), newest last."""


class QueueRequest(Message, frozen=True, kw_only=True):
    """Edge → brain, request/reply: a queue for a session that has none, or is running short."""

    KIND: ClassVar[str] = "queue_request"

    session_id: str
    user_id: str
    edge_id: str
    region: str
    n: int = 300


class TrendingList(Message, frozen=True, kw_only=True):
    """Brain → edges of a region, each time it changes: what to show when nothing else is known."""

    KIND: ClassVar[str] = "trending"

    region: str
    at_ms: int
    items: list[Candidate]
    """At most 200, best first."""
    hashtags: list[FoundTag] = msgspec.field(default_factory=list)
    """At most 30 that the trending videos have, best first."""
