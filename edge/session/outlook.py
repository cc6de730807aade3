"""A player's state and the cards of its window to the planner's terms, and the planner's answer to URLs.

Pure. Steps name the rung and the chunk; what is in flight is cancelled by its URL.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from edge.prefetch.hazard import Pace
from edge.prefetch.planner import PlanRules, decide
from edge.prefetch.situation import Clip, InFlight, Link, Situation
from edge.prefetch.warming import NOTHING_TOLD, Told
from edge.session.player import InFlightIn, PlayerIn
from shared.messages.catalog import Rung, VideoCard
from shared.retention import assumed, n_seconds

CurveOf = Callable[[str, int], Sequence[float]]
"""Video id and duration in ms to the share still watching at each second."""
BaseOf = Callable[[str], str]
"""Video id to the folder of its objects."""


class PlanStep(msgspec.Struct, frozen=True):
    """One object that the player should fetch."""

    video: str
    url: str
    rung: str
    chunk: int
    """0: the opening."""
    bytes: int
    at_s: float = 0.0
    """Playhead of the video on screen from which on it may start; those behind it wait, too."""


class Sources(NamedTuple):
    """Where the facts of a plan come from."""

    card_of: Callable[[str], VideoCard | None]
    curve_of: CurveOf
    base_of: BaseOf
    rules: PlanRules


class Outlook(NamedTuple):
    """What a player should do until it asks again."""

    plan: list[PlanStep]
    cancel: list[str]
    refresh_s: float
    told: Told = NOTHING_TOLD
    """What of it is for this edge's own RAM."""


def prior_curve(video: str, duration_ms: int) -> Sequence[float]:
    """What is assumed of a video without a curve."""
    del video
    return assumed(n_seconds(duration_ms))


def outlook(
    player: PlayerIn, window: Sequence[VideoCard], link: Link, pace: Pace, sources: Sources
) -> Outlook:
    """The plan for a player whose window is these cards, the one on screen first."""
    base_of = sources.base_of
    clips = [_clip(card, player, sources.curve_of, pace) for card in window]
    is_known = bool(window) and window[0].id == player.video
    at_s = player.at_s if is_known else 0.0  # of a video without a card nothing but the next ones is planned
    flights = [_in_flight(one, window) for one in player.in_flight]
    decision = decide(Situation(clips, at_s, player.is_playing, link, flights), sources.rules)
    plan, warm = [], []
    s_per_byte = 8 / max(1e3, link.bandwidth_bps)
    clock_s = sum(one.left_bytes for one in flights) * s_per_byte
    for one in decision.fetches:
        card = window[one.clip]
        rung = card.rungs[one.rung]
        tail = object_path(rung, one.chunk)
        n_bytes = clips[one.clip].chunk_bytes[one.rung][one.chunk]
        plan.append(PlanStep(card.id, base_of(card.id) + tail, rung.name, one.chunk, n_bytes, one.at_s))
        clock_s = max(clock_s, one.at_s - at_s)
        warm.append((f"/v/{card.id}/{tail}", n_bytes, one.clip, clock_s))
        clock_s += link.rtt_s + n_bytes * s_per_byte
    openings = [step for step in plan if step.chunk == 0]
    opens_with = openings[-1].rung if openings else ""
    starts_with = next((step.rung for step in openings if step.video == player.video), "")
    cancel: list[str] = []
    for flight in (player.in_flight[index] for index in decision.cancels):
        shown = sources.card_of(flight.video)
        named = _rung(flight, [shown])[1] if shown else None
        if named is not None:
            cancel.append(base_of(flight.video) + object_path(named, flight.chunk))
    held = frozenset(one.video for one in player.held if any(first == 0 for first, _ in one.chunks))
    kept = _kept(player)
    at_hand = frozenset({*kept, *(step.video for step in openings)})
    told = Told(warm, starts_with, opens_with, held, at_hand, kept, player.next)
    return Outlook(plan, cancel, decision.refresh_s, told)


def _kept(player: PlayerIn) -> dict[str, list[str]]:
    """By video the rungs of the openings that the player holds or fetches."""
    kept: dict[str, list[str]] = {}
    for held in player.held:
        if any(first == 0 for first, _ in held.chunks):
            kept.setdefault(held.video, []).append(held.rung)
    for one in player.in_flight:
        if one.chunk == 0:
            kept.setdefault(one.video, []).append(one.rung)
    return kept


def link_of(player: PlayerIn, known: Link) -> Link:
    """What the player tells of its link; what it does not tell is as it was known before."""
    if not player.bandwidth_bps:
        return known._replace(rtt_s=player.rtt_ms / 1000 or known.rtt_s)
    spread = player.bandwidth_spread or known.spread
    return Link(player.bandwidth_bps, spread, player.rtt_ms / 1000 or known.rtt_s)


def object_path(rung: Rung, chunk: int) -> str:
    """Where a chunk lies below its video's folder."""
    return f"{rung.path}/open.mp4" if chunk == 0 else f"{rung.path}/{chunk}.m4s"


def _clip(card: VideoCard, player: PlayerIn, curve_of: CurveOf, pace: Pace) -> Clip:
    n_chunks = min((len(rung.chunk_bytes) for rung in card.rungs), default=0)
    sizes = [[rung.open_bytes, *rung.chunk_bytes[1:n_chunks]] for rung in card.rungs]
    names = {rung.name: index for index, rung in enumerate(card.rungs)}
    held: dict[int, int] = {}
    for one in player.held:
        if one.video == card.id and one.rung in names:
            for first, last in one.chunks:
                for chunk in range(first, min(last, n_chunks - 1) + 1):
                    held[chunk] = max(names[one.rung], held.get(chunk, 0))
    factor = pace.factor
    survival = [share**factor for share in curve_of(card.id, card.duration_ms)]
    rates = [0.008 * sum(rung.chunk_bytes) / max(1, sum(rung.chunk_ms)) for rung in card.rungs]
    return Clip(sizes, rates, survival, held)


def _in_flight(one: InFlightIn, window: Sequence[VideoCard]) -> InFlight:
    place, rung = _rung(one, window)
    if rung is None or one.chunk >= len(rung.chunk_bytes):
        return InFlight(-1, one.chunk, 0, 0)
    size = rung.chunk_bytes[one.chunk] if one.chunk else rung.open_bytes
    index = window[place].rungs.index(rung)
    return InFlight(place, one.chunk, index, max(0, size - int(one.got_bytes)))


def _rung(one: InFlightIn, cards: Sequence[VideoCard]) -> tuple[int, Rung | None]:
    for place, card in enumerate(cards):
        if card.id == one.video:
            return place, next((rung for rung in card.rungs if rung.name == one.rung), None)
    return -1, None
