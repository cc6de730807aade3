"""Orders to forget what is cached, and receipts. Pure."""

from enum import StrEnum
from typing import ClassVar

from shared.messages.message import Message


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
