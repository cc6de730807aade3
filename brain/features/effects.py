"""Event batches -> the writes that they mean, grouped by key.

Pure. Every write is idempotent by the event's id or by its time: counters and trends carry the id for a
marker, the sorted sets keep the latest time of a member. So a redelivery, or a replay after a crash, changes
nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from brain.features import interest, retention, trending
from brain.features.interest import Signal
from brain.features.retention import WatchStep
from shared.errors import InvalidId
from shared.ids import check_id
from shared.messages.events import EventBatch, EventKind, ViewEvent

MAX_AGE_MS = 7 * 86_400_000
"""An event says when it happened; more than this before its batch is taken as this."""


class Boost(NamedTuple):
    """One step of one interest counter."""

    event_id: str
    delta: int


class TrendStep(NamedTuple):
    """What one event adds to a region."""

    event_id: str
    video_id: str
    weight: float
    at_ms: int
    n_shown: int


@dataclass(slots=True)
class UserWrites:
    """Members and scores for one user's sorted sets; the highest score of a member wins."""

    history: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    follows: dict[str, int] = field(default_factory=dict)
    blocked: dict[str, int] = field(default_factory=dict)
    categories: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Effects:
    """All writes of some batches, grouped by what they touch."""

    boosts: dict[tuple[str, str], list[Boost]] = field(default_factory=dict)
    """By (user, category)."""
    users: dict[str, UserWrites] = field(default_factory=dict)
    regions: dict[str, list[TrendStep]] = field(default_factory=dict)
    watches: dict[str, list[WatchStep]] = field(default_factory=dict)
    """By category."""
    n_events: int = 0
    n_refused: int = 0
    """Events with an id that we do not accept: no effect at all."""


def follow_score(at_ms: int, *, follows: bool) -> int:
    """The later one wins, whatever the order of arrival; odd means follows."""
    return 2 * at_ms + int(follows)


def effects_of(batches: Iterable[EventBatch]) -> Effects:
    """The writes of every event in `batches`; an id twice in them is taken once."""
    effects = Effects()
    taken: set[str] = set()
    for batch in batches:
        for event in batch.events:
            if event.id in taken:
                continue
            taken.add(event.id)
            if not is_sound(event, batch.region):
                effects.n_refused += 1
                continue
            effects.n_events += 1
            at_ms = max(min(event.at_ms, batch.at_ms), batch.at_ms - MAX_AGE_MS)
            _add_user(effects, event, at_ms)
            _add_region(effects, event, batch.region, at_ms)
            if name := retention.field(event):
                step = WatchStep(event.id, event.video_id, name, at_ms)
                effects.watches.setdefault(event.category, []).append(step)
    return effects


def is_sound(event: ViewEvent, region: str) -> bool:
    """Whether every part of the event that becomes part of a key is an id."""
    try:
        for what in (event.id, event.user_id, event.video_id, region):
            check_id(what, "event part")
        for optional in (event.category, event.creator_id):
            if optional:
                check_id(optional, "event part")
    except InvalidId:
        return False
    return event.completion == event.completion  # not a NaN


def _add_user(effects: Effects, event: ViewEvent, at_ms: int) -> None:
    user = effects.users.setdefault(event.user_id, UserWrites())
    if event.kind in (EventKind.IMPRESSION, EventKind.WATCH):
        _latest(user.seen, event.video_id, at_ms)
    if event.kind is not EventKind.IMPRESSION:
        signal = Signal(
            event.id, event.kind, event.video_id, event.category, event.creator_id, event.completion, at_ms
        )
        _latest(user.history, signal.pack(), at_ms)
    if event.kind is EventKind.NOT_INTERESTED:
        _latest(user.blocked, event.video_id, at_ms)
    if event.kind in (EventKind.FOLLOW, EventKind.UNFOLLOW) and event.creator_id:
        follows = event.kind is EventKind.FOLLOW
        _latest(user.follows, event.creator_id, follow_score(at_ms, follows=follows))
    if event.kind is EventKind.WATCH and event.category:
        delta = interest.boost(event.completion)
        if delta:
            key = (event.user_id, event.category)
            effects.boosts.setdefault(key, []).append(Boost(event.id, delta))
            _latest(user.categories, event.category, at_ms)


def _add_region(effects: Effects, event: ViewEvent, region: str, at_ms: int) -> None:
    weight = trending.weight(event.kind, event.completion)
    n_shown = int(event.kind is EventKind.IMPRESSION)
    if weight > 0 or n_shown:
        step = TrendStep(event.id, event.video_id, weight, at_ms, n_shown)
        effects.regions.setdefault(region, []).append(step)


def _latest(members: dict[str, int], member: str, score: int) -> None:
    members[member] = max(score, members.get(member, score))
