"""The answer to a player: the next videos, why they come, and what to fetch first.

Pure. A queued video whose card is not known yet is passed over, never waited for.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from edge.prefetch.warming import Opening, PlanLimits, openings
from edge.session.outlook import Outlook, PlanStep
from edge.session.state import Session
from edge.session.why import reason
from shared.messages.catalog import VideoCard
from shared.messages.queues import Candidate, Source

REFRESH_S = 2.0
"""A player that told nothing of itself asks for a plan after so long."""


class Why(msgspec.Struct, frozen=True):
    """What brought a video to its place."""

    source: str
    score: float
    rank_moved: int
    """The brain's rank minus the present one: above 0 when the session moved it up."""
    text: str


class Item(msgspec.Struct, frozen=True):
    """One of the next videos."""

    video: str
    base: str
    master: str
    card: VideoCard
    why: Why


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """The next videos of a session."""

    version: int
    queue_version: int
    model: str
    origin: str
    """brain, local (re-ranked here), fallback_trending or fallback_cached: of the first item."""
    items: list[Item]
    plan: list[PlanStep]
    """What to fetch, in this order."""
    cancel: list[str]
    """URLs in flight that are no longer worth their bytes."""
    refresh_s: float
    """Ask for another plan after so long at the latest."""


class Upcoming(NamedTuple):
    """A candidate with its card and its place in the brain's order."""

    candidate: Candidate
    card: VideoCard
    brain_rank: int


def home(video: str) -> str:
    """The folder of a video's objects."""
    return f"/v/{video}/"


def upcoming(session: Session, card_of: Callable[[str], VideoCard | None], n: int) -> list[Upcoming]:
    """The next at most `n` videos that can be shown."""
    found: list[Upcoming] = []
    for index in session.order:
        candidate = session.queue[index]
        if candidate.video_id == session.current:
            continue
        card = card_of(candidate.video_id)
        if card is not None and card.rungs:
            found.append(Upcoming(candidate, card, index))
            if len(found) == n:
                break
    return found


def build(
    session: Session,
    nexts: list[Upcoming],
    n: int,
    limits: PlanLimits,
    base_of: Callable[[str], str] = home,
    *,
    told: Outlook | None = None,
) -> Slice:
    """The slice of at most `n` of these, with the player's plan; without one, the openings of the next.

    `base_of`: the folder of a video's objects, signed if need be.
    """
    if told is None:
        steps = [_step(one, base_of) for one in openings([one.card for one in nexts], limits)]
        told = Outlook(steps, [], REFRESH_S)
    return Slice(
        version=session.version,
        queue_version=session.queue_version,
        model=session.model,
        origin=_origin(session, nexts),
        items=[_item(session, one, place, base_of) for place, one in enumerate(nexts[:n])],
        plan=told.plan,
        cancel=told.cancel,
        refresh_s=told.refresh_s,
    )


def _origin(session: Session, nexts: list[Upcoming]) -> str:
    sources = (Source.FALLBACK_TRENDING, Source.FALLBACK_CACHED)
    if not nexts:
        return Source.FALLBACK_CACHED
    if nexts[0].candidate.source in sources:
        return nexts[0].candidate.source
    return "local" if session.is_reranked else "brain"


def _item(session: Session, one: Upcoming, place: int, base_of: Callable[[str], str]) -> Item:
    base = base_of(one.card.id)
    moved = one.brain_rank - place
    why = Why(
        one.candidate.source, one.candidate.score, moved, reason(session, one.candidate, one.card, moved)
    )
    return Item(one.card.id, base, f"{base}master.m3u8", one.card, why)


def _step(one: Opening, base_of: Callable[[str], str]) -> PlanStep:
    url = base_of(one.video) + one.url.removeprefix(home(one.video))
    return PlanStep(one.video, url, one.rung, 0, one.bytes)
