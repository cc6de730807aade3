"""What an edge tells of itself. Pure."""

from typing import ClassVar

from shared.messages.message import Message


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
