"""What fits a viewer's words. Pure."""

from typing import ClassVar

import msgspec

from shared.messages.message import Message


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
