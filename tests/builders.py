"""Messages with dull defaults for tests; a test names only what it is about."""

from typing import Any

from shared.messages.catalog import CatalogEvent, CatalogKind, Rung, VideoCard
from shared.messages.events import EventBatch, EventKind, ViewEvent

NOW_MS = 1_800_000_000_000


def make_rung(name: str = "360p", **fields: Any) -> Rung:
    """A published three-second rendition."""
    height = int(name.removesuffix("p")) * 16 // 9
    dull: dict[str, Any] = {
        "name": name,
        "path": f"{name}-0123456789abcdef",
        "width": int(name.removesuffix("p")),
        "height": height,
        "bandwidth_bps": 800_000,
        "codecs": "avc1.64001e,mp4a.40.2",
        "open_bytes": 101_000,
        "init_bytes": 1_000,
        "chunk_bytes": [100_000, 90_000, 80_000],
        "chunk_ms": [1000, 1000, 1000],
    }
    return Rung(**(dull | fields))


def make_card(video: str = "v1", **fields: Any) -> VideoCard:
    """A playable video's card."""
    dull: dict[str, Any] = {
        "id": video,
        "creator_id": "neon_waves",
        "creator_name": "Neon Waves",
        "caption": "a caption",
        "category": "space",
        "hashtags": ["stars"],
        "duration_ms": 3000,
        "width": 360,
        "height": 640,
        "created_ms": NOW_MS,
        "rungs": [make_rung()],
    }
    return VideoCard(**(dull | fields))


def make_event(kind: EventKind = EventKind.WATCH, video: str = "v1", **fields: Any) -> ViewEvent:
    """Something that viewer `u1` did in session `s1`."""
    dull: dict[str, Any] = {
        "id": f"{kind}-{video}",
        "kind": kind,
        "user_id": "u1",
        "session_id": "s1",
        "video_id": video,
        "at_ms": NOW_MS,
    }
    return ViewEvent(**(dull | fields))


def make_batch(*events: ViewEvent, **fields: Any) -> EventBatch:
    """One POST of a player, by way of edge `e1`."""
    dull: dict[str, Any] = {
        "id": "b1",
        "edge_id": "e1",
        "region": "local",
        "at_ms": NOW_MS,
        "events": list(events),
    }
    return EventBatch(**(dull | fields))


def make_catalog_event(
    video: str = "v1", kind: CatalogKind = CatalogKind.PUBLISHED, **fields: Any
) -> CatalogEvent:
    """The origin's word on a video."""
    card = None if kind is CatalogKind.WITHDRAWN else make_card(video)
    dull: dict[str, Any] = {
        "id": f"c-{video}",
        "kind": kind,
        "video_id": video,
        "seq": 1,
        "at_ms": NOW_MS,
        "card": card,
    }
    return CatalogEvent(**(dull | fields))
