"""What a player may post, and what of it is accepted: limits, duplicates, meaning.

Pure. One bad event does not cost the others: it is named with its index and the reason. Ids are made
global with the user's, so that a retry counts once and one player's `e1` is not another's.
"""

import hashlib
from collections.abc import Iterable

import msgspec

from edge.session import deltas
from edge.session.player import PlayerIn, Whole, check_player
from edge.session.qoe import QoeIn, check_qoe
from edge.session.signals import Signal
from edge.session.state import Session
from shared.errors import InvalidId, InvalidRequest
from shared.ids import base32, check_id
from shared.messages.catalog import VideoCard
from shared.messages.events import EventKind, ViewEvent

MAX_EVENTS = 64
MAX_BODY_BYTES = 64 * 1024
MAX_TEXT_CHARS = 500
MAX_HELD = 16
MAX_ITEMS = 20
"""Of one slice: the upper bound of `n`."""
MAX_COMPLETION = 100.0
MAX_POSITION = 1_000_000
MAX_WATCHED_MS = 86_400_000
CLOCK_SLACK_MS = 86_400_000
"""A player's clock is believed this far back, and never ahead of ours."""
_KINDS = frozenset(kind.value for kind in EventKind)


class EventIn(msgspec.Struct, frozen=True, kw_only=True):
    """One event as the player tells it."""

    kind: str
    video: str
    id: str | None = None
    completion: float | None = None
    watched_ms: float | None = None
    position: Whole | None = None
    text: str | None = None
    at_ms: float | None = None


class EventsIn(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /v1/events`."""

    events: list[EventIn] = []
    current: str | None = None
    """Id of the video on screen."""
    held: list[str] = []
    """Ids already preloaded, in the order in which they come."""
    n: Whole = 5
    player: PlayerIn | None = None
    """Without it the answer's plan is the openings of the next videos."""
    qoe: list[QoeIn] = []
    """How the latest showings went."""


class SessionIn(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /v1/sessions`."""

    user_id: str | None = None
    n: Whole = 5


class Rejected(msgspec.Struct, frozen=True):
    """An event that was not taken."""

    index: int
    reason: str


def check_events(body: EventsIn) -> None:
    """Raise InvalidRequest or InvalidId naming the limit that the body as a whole breaks."""
    if len(body.events) > MAX_EVENTS:
        raise InvalidRequest(
            f"at most {MAX_EVENTS} events a request, got {len(body.events)}",
            limit=MAX_EVENTS,
            actual=len(body.events),
        )
    if len(body.held) > MAX_HELD:
        raise InvalidRequest(
            f"at most {MAX_HELD} held videos, got {len(body.held)}", limit=MAX_HELD, actual=len(body.held)
        )
    check_n(body.n)
    if body.player is not None:
        check_player(body.player)
    check_qoe(body.qoe)
    for video in (*body.held, *([body.current] if body.current else [])):
        check_id(video, "video id")


def check_n(n: int) -> int:
    """`n` when it is within 1..MAX_ITEMS; raises InvalidRequest."""
    if not 1 <= n <= MAX_ITEMS:
        raise InvalidRequest(f"n must be 1 to {MAX_ITEMS}, got {n}", limit=MAX_ITEMS, actual=n)
    return n


def problem(event: EventIn) -> str:
    """Why this event is refused; empty when it is fine."""
    if event.kind not in _KINDS:
        return f"unknown kind {event.kind[:40]!r}; one of {', '.join(sorted(_KINDS))}"
    try:
        check_id(event.video, "video id")
        if event.id:
            check_id(event.id, "event id")
    except InvalidId as exc:
        return exc.detail
    for name, value, high in (
        ("completion", event.completion, MAX_COMPLETION),
        ("watched_ms", event.watched_ms, MAX_WATCHED_MS),
        ("position", event.position, MAX_POSITION),
    ):
        if not 0 <= (value or 0) <= high:
            return f"{name} must be 0 to {high:g}"
    text = event.text or ""
    if len(text) > MAX_TEXT_CHARS:
        return f"text is over {MAX_TEXT_CHARS} characters"
    return "a comment needs a text" if event.kind == EventKind.COMMENT and not text.strip() else ""


def global_id(user_id: str, event_id: str) -> str:
    """The id under which the whole system counts a player's event once."""
    digest = hashlib.sha256(f"{user_id}:{event_id}".encode()).digest()
    return base32(int.from_bytes(digest[:17], "big"), 26)


def view_event(
    session: Session, event: EventIn, card: VideoCard | None, unique_id: str, now_ms: int
) -> ViewEvent:
    """The event as it travels, with what the edge knows of the video and of how it came to be shown."""
    shown = session.served.get(event.video)
    if shown is None and (place := session.queue.place(event.video)) is not None:
        shown = session.queue[place]
    at_ms = now_ms if event.at_ms is None else min(now_ms, max(int(event.at_ms), now_ms - CLOCK_SLACK_MS))
    return ViewEvent(
        id=unique_id,
        kind=EventKind(event.kind),
        user_id=session.user_id,
        session_id=session.id,
        video_id=event.video,
        at_ms=at_ms,
        category=card.category if card else "",
        creator_id=card.creator_id if card else "",
        completion=event.completion or 0.0,
        watched_ms=int(event.watched_ms or 0),
        position=session.n_events if event.position is None else event.position,
        source=shown.source if shown else "",
        propensity=shown.propensity if shown else 1.0,
        text=(event.text or "").strip(),
    )


def apply(session: Session, events: Iterable[ViewEvent]) -> set[str]:
    """Fold events into the session's signals and seen set; returns the videos that are not wanted."""
    unwanted: set[str] = set()
    watched: list[str] = []
    for event in events:
        session.n_events += 1
        strength = deltas.weight(event.kind, event.completion)
        if strength:
            is_finish = event.kind is EventKind.WATCH and strength > 0
            session.note(Signal(event.video_id, strength, event.category, is_finish))
            session.cause = max(session.cause, abs(strength))
        if event.kind in (EventKind.FOLLOW, EventKind.UNFOLLOW) and event.creator_id:
            session.follow(event.creator_id, event.kind is EventKind.FOLLOW)
        if event.kind in (EventKind.WATCH, EventKind.IMPRESSION):
            watched.append(event.video_id)
        if event.kind is EventKind.NOT_INTERESTED:
            unwanted.add(event.video_id)
    session.see([*watched, *sorted(unwanted)])
    return unwanted
