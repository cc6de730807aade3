"""What a player tells of itself: what is on screen, what it holds and fetches, and how fast its link is.

Pure. Everything is bounded and checked; a report that breaks a limit is refused as a whole, with the limit.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from shared.errors import InvalidRequest
from shared.ids import check_id

MAX_HELD_VIDEOS = 16
MAX_HELD = 64
"""Entries of `held`: a video may be held in more than one rung."""
MAX_RANGES = 32
MAX_IN_FLIGHT = 8
MAX_NEXT = 8
MAX_CHUNK = 3_600
MAX_NAME_CHARS = 32
MAX_BPS = 1e11
MAX_RTT_MS = 60_000.0
MAX_SPREAD = 10.0
MAX_BYTES = 2**31
Whole = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
"""A number of JSON without a fraction; one of a thousand digits is nothing to compute with, nor to quote."""


class HeldIn(msgspec.Struct, frozen=True, kw_only=True):
    """Chunks that a player has, of one rung of one video."""

    video: str
    rung: str
    chunks: list[tuple[Whole, Whole]]
    """First and last, both included."""


class InFlightIn(msgspec.Struct, frozen=True, kw_only=True):
    """A fetch under way."""

    video: str
    rung: str
    chunk: Whole
    got_bytes: float = 0


class PlayerIn(msgspec.Struct, frozen=True, kw_only=True):
    """A player's state; the field `player` of `POST /v1/events` and the body of `POST /v1/plan`."""

    video: str
    """On screen."""
    at_s: float = 0.0
    """Playhead."""
    is_playing: bool = True
    held: list[HeldIn] = []
    in_flight: list[InFlightIn] = []
    bandwidth_bps: float = 0.0
    """0: not known."""
    bandwidth_spread: float = 0.0
    """Relative standard deviation."""
    rtt_ms: float = 0.0
    ahead: Whole = 0
    """Videos after the one on screen that it has room for; 0: not told."""
    next: list[str] = []
    """What a swipe leads to where a list is walked, the very next first; empty: the session's queue."""


def check_player(player: PlayerIn) -> None:
    """Raise InvalidRequest or InvalidId naming the limit that the report breaks."""
    check_id(player.video, "video id")
    _within("player.at_s", player.at_s, MAX_CHUNK)
    _within("player.bandwidth_bps", player.bandwidth_bps, MAX_BPS)
    _within("player.bandwidth_spread", player.bandwidth_spread, MAX_SPREAD)
    _within("player.rtt_ms", player.rtt_ms, MAX_RTT_MS)
    _within("player.ahead", player.ahead, MAX_HELD_VIDEOS)
    _few("player.held entries", player.held, MAX_HELD)
    _few("player.in_flight entries", player.in_flight, MAX_IN_FLIGHT)
    _few("videos in player.next", player.next, MAX_NEXT)
    videos = {one.video for one in player.held}
    _few("videos in player.held", list(videos), MAX_HELD_VIDEOS)
    for video in (*videos, *(one.video for one in player.in_flight), *player.next):
        check_id(video, "video id")
    for held in player.held:
        _name(held.rung)
        _few("ranges of a held video", held.chunks, MAX_RANGES)
        for first, last in held.chunks:
            if not 0 <= first <= last <= MAX_CHUNK:
                raise InvalidRequest(
                    f"a held range must be [first, last] within 0 to {MAX_CHUNK}, got [{first}, {last}]",
                    limit=MAX_CHUNK,
                )
    for one in player.in_flight:
        _name(one.rung)
        _within("player.in_flight.chunk", one.chunk, MAX_CHUNK)
        _within("player.in_flight.got_bytes", one.got_bytes, MAX_BYTES)


def _within(name: str, value: float, high: float) -> None:
    if not 0 <= value <= high:
        raise InvalidRequest(f"{name} must be 0 to {high:g}, got {value:g}", limit=high)


def _few(name: str, values: Sequence[object], high: int) -> None:
    if len(values) > high:
        raise InvalidRequest(f"at most {high} {name}, got {len(values)}", limit=high, actual=len(values))


def _name(rung: str) -> None:
    if not 0 < len(rung) <= MAX_NAME_CHARS:
        raise InvalidRequest(
            f"a rung's name has 1 to {MAX_NAME_CHARS} characters, got {len(rung)}", limit=MAX_NAME_CHARS
        )
