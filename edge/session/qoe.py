"""What players tell of how their showings went: startup, stalls, exits before the start, wasted bytes.

Pure. Counted, never stored: the figures belong to no viewer.
"""

from collections.abc import Sequence

import msgspec

from edge.session.player import Whole
from shared.errors import InvalidRequest
from shared.ids import check_id

MAX_SHOWINGS = 16
MAX_MS = 86_400_000
MAX_STALLS = 10_000
MAX_BYTES = 2**40


class QoeIn(msgspec.Struct, frozen=True, kw_only=True):
    """One video that left a player's pool."""

    video: str
    is_shown: bool = True
    """False: it was preloaded and never came on screen."""
    startup_ms: float | None = None
    """From the swipe to the first frame; None: the viewer left before it."""
    n_stalls: Whole = 0
    stalled_ms: float = 0
    watched_ms: float = 0
    fetched_bytes: Whole = 0
    wasted_bytes: Whole = 0
    """Fetched, and never on screen."""


def check_qoe(showings: Sequence[QoeIn]) -> None:
    """Raise InvalidRequest or InvalidId naming the limit that the beacons break."""
    if len(showings) > MAX_SHOWINGS:
        raise InvalidRequest(
            f"at most {MAX_SHOWINGS} qoe entries a request, got {len(showings)}",
            limit=MAX_SHOWINGS,
            actual=len(showings),
        )
    for one in showings:
        check_id(one.video, "video id")
        for name, value, high in (
            ("startup_ms", one.startup_ms or 0, MAX_MS),
            ("n_stalls", one.n_stalls, MAX_STALLS),
            ("stalled_ms", one.stalled_ms, MAX_MS),
            ("watched_ms", one.watched_ms, MAX_MS),
            ("fetched_bytes", one.fetched_bytes, MAX_BYTES),
            ("wasted_bytes", one.wasted_bytes, one.fetched_bytes),
        ):
            if not 0 <= value <= high:
                raise InvalidRequest(f"qoe.{name} must be 0 to {high}, got {value}", limit=high, actual=value)
