"""Dull defaults for the edge's unit tests: cards, candidates, queues, vectors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.session.state import Session
from shared.messages.catalog import Rung, VideoCard
from shared.messages.queues import Candidate, RankedQueue, Source
from shared.messages.vectors import VectorTable


def make_rung(name: str = "360p", **changes: Any) -> Rung:
    fields: dict[str, Any] = {
        "name": name,
        "path": f"{name}-0123456789abcdef",
        "width": 360,
        "height": 640,
        "bandwidth_bps": 800_000,
        "codecs": "avc1.64001e,mp4a.40.2",
        "open_bytes": 100_000,
        "init_bytes": 1_000,
        "chunk_bytes": [99_000, 80_000, 80_000],
        "chunk_ms": [1_000, 1_000, 1_000],
    }
    return Rung(**fields | changes)


def make_card(video: str, **changes: Any) -> VideoCard:
    fields: dict[str, Any] = {
        "id": video,
        "creator_id": f"by-{video}",
        "creator_name": "neon_waves",
        "caption": "a clip",
        "category": "dance",
        "hashtags": ["loop"],
        "duration_ms": 3_000,
        "width": 360,
        "height": 640,
        "created_ms": 1_000,
        "rungs": [make_rung()],
        "poster": "poster-0123456789abcdef.webp",
    }
    return VideoCard(**fields | changes)


def make_candidates(*videos: str, source: str = Source.VECTORS) -> list[Candidate]:
    """Candidates with falling scores."""
    return [Candidate(video, 1.0 - 0.01 * place, source) for place, video in enumerate(videos)]


def make_queue(*videos: str, **changes: Any) -> RankedQueue:
    fields: dict[str, Any] = {
        "session_id": "s1",
        "user_id": "u1",
        "version": 1,
        "model": "m1",
        "user_vector": b"",
        "built_at_ms": 0,
        "items": make_candidates(*videos),
    }
    return RankedQueue(**fields | changes)


def make_session(*videos: str, **changes: Any) -> Session:
    """A session that holds these videos, as the brain ordered them."""
    session = Session(id="s1", user_id="u1", version=0)
    if videos:
        session.merge(make_queue(*videos))
    for name, value in changes.items():
        setattr(session, name, value)
    return session


def make_table(rows: dict[str, Sequence[float]], **changes: Any) -> VectorTable:
    """A vector table of these rows, with a mean of zero."""
    matrix: npt.NDArray[np.float16] = np.array(list(rows.values()), "<f2")
    fields: dict[str, Any] = {
        "model": "m1",
        "dim": matrix.shape[1],
        "mean": np.zeros(matrix.shape[1], "<f2").tobytes(),
        "video_ids": list(rows),
        "vectors": matrix.tobytes(),
    }
    return VectorTable(**fields | changes)
