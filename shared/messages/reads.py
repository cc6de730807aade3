"""What the origin's HTTP API answers to edges and brains, beside its messages. Pure."""

import msgspec

from shared.messages.catalog import CatalogEvent, VideoCard


class CardPage(msgspec.Struct, frozen=True):
    """`GET /internal/cards`: in the order asked for."""

    cards: list[VideoCard]
    missing: list[str]


class CatalogPage(msgspec.Struct, frozen=True):
    """`GET /internal/catalog`: by rising seq; empty at the end."""

    events: list[CatalogEvent]
    last_seq: int
    """What to ask after next."""


class Sound(msgspec.Struct, frozen=True):
    """`GET /v1/sounds/{id}`: what everyone may know of a sound."""

    id: str
    """Of the video that it comes from, its source."""
    title: str
    """Beside the videos of others; empty where it is not known."""
    creator_id: str
    creator_name: str
    n_videos: int
    """Playable ones, the source included."""
    is_available: bool
    """New videos may use it."""
    video: VideoCard | None
    """The source; None when it cannot be played."""
