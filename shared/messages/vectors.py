"""Item vectors of a model revision, by which an edge re-ranks.

Pure. Vectors are little-endian float16 bytes: half the size, and the scores that they give differ by less
than the exploration noise.
"""

from typing import ClassVar

from shared.messages.message import Message


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
