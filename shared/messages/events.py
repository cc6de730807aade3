"""What viewers did. Pure."""

from enum import StrEnum
from typing import ClassVar

import msgspec

from shared.messages.message import Message


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
