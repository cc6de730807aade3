"""What the edge warms into RAM for a session, most urgent first.

Pure. The openings that its player was told to fetch come first, then those that it will be told next,
playlists and posters, later chunks, and a reserve of further openings. What the player has of the next videos
stays while it is there, and is not fetched for that.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from shared.config import setting
from shared.messages.catalog import Rung, VideoCard

WATCH_S = 2.0
"""Nearly all viewers stay longer."""
OPENING = "/open.mp4"
"""How the path of a video's first chunk ends."""


@dataclass(frozen=True)
class PlanLimits:
    """How far ahead a plan looks."""

    n_ahead: int = setting(
        3, "next videos that the player has not yet whose opening is warmed", low=0, high=10
    )
    n_reserve: int = setting(
        8, "videos after those whose opening is warmed when nothing else is", low=0, high=100
    )
    start_rung: str = setting("", "name of the rung that a swipe starts with; empty: the lowest")


class Urgency(IntEnum):
    """What is missed first when it is not there."""

    SCREEN = -2
    """The opening that a viewer waits for: nothing of theirs is to share its way."""
    PLANNED = -1
    """An opening that a player was told to fetch: it will ask within seconds."""
    OPENING = 0
    PLAYLIST = 1
    POSTER = 2
    CHUNK = 3
    """After an opening: whoever watches on has at least a second until it is missed."""
    RESERVE = 4
    """What a re-rank may bring to the front, and what is shown while the origin is away."""
    HELD = 5
    """An opening that the player has: kept until it was shown or left the queue, but never warmed."""


class Opening(NamedTuple):
    """What a player should fetch next."""

    video: str
    url: str
    rung: str
    bytes: int


class Step(NamedTuple):
    """One object that the edge warms; sorts by urgency, then by when it is needed."""

    urgency: Urgency
    within_s: float
    """From the plan on, until a player asks for it."""
    distance: int
    """Swipes until it is needed; 0: it is on screen."""
    path: str
    size_bytes: int
    """What it is expected to cost; 0 when it is small and not known."""


ANY_RUNG = ""
"""Of a player that tells only which videos it holds: that in which its plans open."""


class Told(NamedTuple):
    """What a player last told of itself and was told to fetch, as far as the edge's RAM goes."""

    warm: Sequence[tuple[str, int, int, float]] = ()
    """The plan's objects: unsigned path, bytes, swipes until it is needed, seconds until it is asked for."""
    starts_with: str = ""
    """The rung in which this player opens a video that it has to wait for."""
    opens_with: str = ""
    """The rung of a plan's last opening; empty before there was one."""
    held: frozenset[str] = frozenset()
    """Videos whose opening the player has."""
    at_hand: frozenset[str] = frozenset()
    """Videos whose opening the player holds, fetches or was told to fetch."""
    kept: Mapping[str, Sequence[str]] = {}
    """Of those that it holds or fetches, the rungs' names; `ANY_RUNG` where it did not tell."""
    listed: Sequence[str] = ()
    """Of the list that the player walks, the very next first; empty: the session's queue."""

    def holding(self, videos: Sequence[str]) -> "Told":
        """The same of a player that tells only which videos it holds."""
        return self._replace(kept={video: self.kept.get(video, (ANY_RUNG,)) for video in videos})


NOTHING_TOLD = Told()


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


def opening_paths(card: VideoCard) -> Iterator[str]:
    """The opening in each rung."""
    return (f"/v/{card.id}/{rung.path}{OPENING}" for rung in card.rungs)


def openings(upcoming: Sequence[VideoCard], limits: PlanLimits) -> list[Opening]:
    """What the player should preload, the next video first."""
    found = (opening(card, limits) for card in upcoming[: limits.n_ahead])
    return [one for one in found if one is not None]


def steps(
    upcoming: Sequence[VideoCard], limits: PlanLimits, told: Told = NOTHING_TOLD, *, has_screen: bool = True
) -> list[Step]:
    """What the edge should warm for one session, most urgent first.

    What the player has been told comes first. Openings are those that it will be told next, with the rung
    that it was last told to open with; the lowest is a reserve then. `has_screen`: False: the next video is
    the first that is shown.
    """
    first = {
        path: Step(_urgency(path, distance), within_s, distance, path, n_bytes)
        for path, n_bytes, distance, within_s in told.warm
    }
    openings = [*_early(upcoming, told), *_openings(upcoming, limits, told)]
    if not has_screen and openings:
        openings[0] = openings[0]._replace(urgency=Urgency.SCREEN, within_s=0.0, distance=0)
    beside = _beside(upcoming, limits, has_plan=bool(told.opens_with))
    others = [*openings, *beside, *_kept(upcoming, limits, told)]
    return sorted([*first.values(), *(step for step in others if step.path not in first)])


def _urgency(path: str, distance: int) -> Urgency:
    if not path.endswith(OPENING):
        return Urgency.CHUNK
    return Urgency.PLANNED if distance else Urgency.SCREEN


def _early(upcoming: Sequence[VideoCard], told: Told) -> Iterator[Step]:
    """The very next video as it is asked for when the viewer gets there before the player has it."""
    if upcoming and upcoming[0].id not in told.held and told.starts_with not in ("", told.opens_with):
        rung = next((one for one in upcoming[0].rungs if one.name == told.starts_with), None)
        if rung is not None:
            yield _opening_step(Urgency.OPENING, 1, upcoming[0], rung)


def _openings(upcoming: Sequence[VideoCard], limits: PlanLimits, told: Told) -> Iterator[Step]:
    """Of the next videos that the player has not at hand, nor is about to have."""
    wanted = [
        (distance, card)
        for distance, card in enumerate(upcoming, start=1)
        if card.id not in told.at_hand and card.rungs
    ]
    for place, (distance, card) in enumerate(wanted[: limits.n_ahead + limits.n_reserve]):
        urgency = Urgency.OPENING if place < limits.n_ahead else Urgency.RESERVE
        lowest = start_rung(card, limits)
        rung = _opens_with(card, limits, told)
        if rung is not None:
            yield _opening_step(urgency, distance, card, rung)
        if rung is not lowest and lowest is not None and urgency is Urgency.OPENING:
            yield _opening_step(Urgency.RESERVE, distance, card, lowest)


def _kept(upcoming: Sequence[VideoCard], limits: PlanLimits, told: Told) -> Iterator[Step]:
    """What the player has of these."""
    for distance, card in enumerate(upcoming, start=1):
        for name in told.kept.get(card.id, ()):
            rung = next((one for one in card.rungs if one.name == name), None)
            rung = rung or (None if name else _opens_with(card, limits, told))
            if rung is not None:
                yield _opening_step(Urgency.HELD, distance, card, rung)


def _opens_with(card: VideoCard, limits: PlanLimits, told: Told) -> Rung | None:
    """The rung that plans open with."""
    named = (one for one in card.rungs if one.name == told.opens_with)
    return next(named, start_rung(card, limits))


def _opening_step(urgency: Urgency, distance: int, card: VideoCard, rung: Rung) -> Step:
    path = f"/v/{card.id}/{rung.path}{OPENING}"
    return Step(urgency, WATCH_S * distance, distance, path, rung.open_bytes)


def _beside(upcoming: Sequence[VideoCard], limits: PlanLimits, *, has_plan: bool) -> Iterator[Step]:
    """Playlists and posters of the very next; a chunk, where the player follows no plan that names one."""
    for distance, card in enumerate(upcoming[: limits.n_ahead], start=1):
        rung = start_rung(card, limits)
        if rung is None:
            continue
        home = f"/v/{card.id}/"
        yield Step(Urgency.PLAYLIST, WATCH_S * distance, distance, f"{home}master.m3u8", 0)
        yield Step(Urgency.PLAYLIST, WATCH_S * distance, distance, f"{home}{rung.path}/index.m3u8", 0)
        if card.poster:
            yield Step(Urgency.POSTER, WATCH_S * distance, distance, home + card.poster, 0)
        if distance == 1 and len(rung.chunk_bytes) > 1 and not has_plan:
            yield Step(
                Urgency.CHUNK, WATCH_S * distance, distance, f"{home}{rung.path}/1.m4s", rung.chunk_bytes[1]
            )
