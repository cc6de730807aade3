"""What the planner is told and what it answers: frozen facts in, decisions out.

Pure. Seconds of a video are its chunks: chunk n is the second from n on. Rungs are indexes, lowest first.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Clip(NamedTuple):
    """One video of the window: the one on screen, or one of those that come after it."""

    chunk_bytes: Sequence[Sequence[int]]
    """By rung, by chunk; chunk 0 is the opening, with the init segment."""
    rates: Sequence[float]
    """What a second of each rung is worth, in Mbit/s."""
    survival: Sequence[float]
    """Share of viewers still watching at each second, from 1.0 at second 0; beyond its end nobody watches."""
    held: Mapping[int, int]
    """Chunk to rung, of what the player has."""


class InFlight(NamedTuple):
    """A fetch under way."""

    clip: int
    """Index into the window; -1: of no video of the window."""
    chunk: int
    rung: int
    left_bytes: int


class Link(NamedTuple):
    """The way to the player, as estimated."""

    bandwidth_bps: float
    spread: float
    """Relative standard deviation of the bandwidth, from 0."""
    rtt_s: float


ASSUMED_LINK = Link(3e6, 0.5, 0.1)
"""Of a player that told nothing of its own."""


class Situation(NamedTuple):
    """A player at one moment."""

    clips: Sequence[Clip]
    """The one on screen, then the next ones in their order."""
    playhead_s: float
    is_playing: bool
    link: Link
    in_flight: Sequence[InFlight] = ()


class Fetch(NamedTuple):
    """One chunk to fetch, not before the playhead of the video on screen has reached `at_s`."""

    clip: int
    chunk: int
    rung: int
    at_s: float


class Decision(NamedTuple):
    """What a player should do until it asks again."""

    fetches: list[Fetch]
    """Strictly in this order."""
    cancels: list[int]
    """Indexes of fetches in flight that are no longer worth their bytes."""
    refresh_s: float
