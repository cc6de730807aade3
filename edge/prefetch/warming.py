"""What the edge warms into RAM for a session, most urgent first.

Pure. The openings that its player was told to fetch come first, then those of the next videos, their
playlists and posters, later chunks, and a reserve of further openings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from shared.config import setting
from shared.messages import Rung, VideoCard

OPENING = "/open.mp4"
"""How the path of a video's first chunk ends."""


@dataclass(frozen=True)
class PlanLimits:
    """How far ahead a plan looks."""

    n_ahead: int = setting(3, "videos after the one on screen whose opening is warmed", low=0, high=10)
    n_reserve: int = setting(
        8, "videos after those whose opening is warmed when there is nothing better to do", low=0, high=100
    )
    n_soon: int = setting(3, "of the reserve, how many are as urgent as those before", low=0, high=100)
    start_rung: str = setting("", "name of the rung that a swipe starts with; empty: the lowest")


class Urgency(IntEnum):
    """What is missed first when it is not there."""

    PLANNED = -1
    """An opening that a player was told to fetch: it will ask within seconds."""
    OPENING = 0
    PLAYLIST = 1
    POSTER = 2
    CHUNK = 3
    """After an opening: whoever watches on has at least a second until it is missed."""
    RESERVE = 4
    """What a re-rank may bring to the front, and what is shown while the origin is away."""


class Opening(NamedTuple):
    """What a player should fetch next."""

    video: str
    url: str
    rung: str
    bytes: int


class Step(NamedTuple):
    """One object that the edge warms; sorts by urgency, then by distance from the screen."""

    urgency: Urgency
    distance: int
    """Swipes until it is needed; 0: it is on screen."""
    path: str
    size_bytes: int
    """What it is expected to cost; 0 when it is small and not known."""


def start_rung(card: VideoCard, limits: PlanLimits) -> Rung | None:
    """The rendition that playback starts with."""
    named = next((rung for rung in card.rungs if rung.name == limits.start_rung), None)
    return named or (card.rungs[0] if card.rungs else None)


def opening(card: VideoCard, limits: PlanLimits) -> Opening | None:
    """The first object of a video; None while no rung is published."""
    rung = start_rung(card, limits)
    if rung is None:
        return None
    return Opening(card.id, f"/v/{card.id}/{rung.path}{OPENING}", rung.name, rung.open_bytes)


def openings(upcoming: Sequence[VideoCard], limits: PlanLimits) -> list[Opening]:
    """What the player should preload, the next video first."""
    found = (opening(card, limits) for card in upcoming[: limits.n_ahead])
    return [one for one in found if one is not None]


def steps(upcoming: Sequence[VideoCard], limits: PlanLimits, started: str = "") -> list[Step]:
    """What the edge should warm for one session, most urgent first.

    `started`: the rung that its player was last told to open videos with; the lowest is a reserve then.
    """
    plan = _other_openings(upcoming, limits, started)
    for distance, card in enumerate(upcoming[: limits.n_ahead], start=1):
        rung = start_rung(card, limits)
        if rung is None:
            continue
        home = f"/v/{card.id}/"
        is_named = any(other.name == started for other in card.rungs) and rung.name != started
        urgency = Urgency.RESERVE if is_named else Urgency.OPENING
        plan.append(Step(urgency, distance, f"{home}{rung.path}{OPENING}", rung.open_bytes))
        plan.append(Step(Urgency.PLAYLIST, distance, f"{home}master.m3u8", 0))
        plan.append(Step(Urgency.PLAYLIST, distance, f"{home}{rung.path}/index.m3u8", 0))
        if card.poster:
            plan.append(Step(Urgency.POSTER, distance, home + card.poster, 0))
        if distance == 1 and len(rung.chunk_bytes) > 1:
            plan.append(Step(Urgency.CHUNK, distance, f"{home}{rung.path}/1.m4s", rung.chunk_bytes[1]))
    reserve = upcoming[limits.n_ahead : limits.n_ahead + limits.n_reserve]
    for distance, first in enumerate((opening(card, limits) for card in reserve), start=limits.n_ahead + 1):
        if first is not None:
            is_started = not started or first.rung == started
            is_soon = is_started and distance <= limits.n_ahead + limits.n_soon
            urgency = Urgency.OPENING if is_soon else Urgency.RESERVE
            plan.append(Step(urgency, distance, first.url, first.bytes))
    return sorted(plan)


def _other_openings(upcoming: Sequence[VideoCard], limits: PlanLimits, started: str) -> list[Step]:
    found = []
    for distance, card in enumerate(upcoming[: limits.n_ahead + limits.n_reserve], start=1):
        rung = next((rung for rung in card.rungs if rung.name == started), None)
        if rung is not None and rung is not start_rung(card, limits):
            urgency = Urgency.OPENING if distance <= limits.n_ahead + limits.n_soon else Urgency.RESERVE
            found.append(Step(urgency, distance, f"/v/{card.id}/{rung.path}{OPENING}", rung.open_bytes))
    return found


def with_player(plan: list[Step], told: Sequence[tuple[str, int, int]]) -> list[Step]:
    """The edge's plan with what the player was told to fetch (path, bytes, distance): openings come first."""
    first = {
        path: Step(Urgency.PLANNED if path.endswith(OPENING) else Urgency.CHUNK, distance, path, n_bytes)
        for path, n_bytes, distance in told
    }
    return sorted([*first.values(), *(step for step in plan if step.path not in first)])
