"""How long viewers stay with a video, second by second. Pure."""

from typing import ClassVar

import msgspec

from shared.messages.message import Message


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
    priors: dict[str, Curve] = msgspec.field(default_factory=dict)
    """By category, for videos without a curve; `` is everybody's. Not told when they did not change."""


class RetentionRequest(Message, frozen=True, kw_only=True):
    """Edge → brain, request/reply: the curves of these videos; those that nobody watched are left out."""

    KIND: ClassVar[str] = "retention_request"

    video_ids: list[str]
    """At most 500."""
