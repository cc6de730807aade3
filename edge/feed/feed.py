"""A viewer's loop: events in, re-ranked slice out; queues, trending lists and withdrawals from outside.

Everything here between a request and its answer is memory and one append to the spool: no await on NATS, the
brain or the origin. What is missing (a queue, vectors, cards, warm bytes) is asked for in the background.
"""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from edge import metrics
from edge.bus import Identity
from edge.feed.cards import CardCache
from edge.feed.notices import Notice, Notices
from edge.feed.refill import Refill
from edge.feed.supply import Supply
from edge.prefetch import warming
from edge.prefetch.worker import PrefetchLimits, PrefetchWorker
from edge.session import intake, rerank, takeover
from edge.session import slice as slices
from edge.session.arrange import Ranking, View, arrange
from edge.session.outlook import CurveOf, Outlook, PlanStep, Sources, link_of, outlook, prior_curve
from edge.session.player import MAX_HELD_VIDEOS, PlayerIn
from edge.session.recent import Recent
from edge.session.state import Session
from edge.session.stay import held_bytes
from edge.session.store import SessionStore
from edge.session.vectors import ItemVectors
from edge.spool import Spool
from shared import codec
from shared.clock import Clock
from shared.ids import new_id
from shared.messages.catalog import VideoCard
from shared.messages.events import EventBatch, EventKind, ViewEvent
from shared.messages.queues import RankedQueue, TrendingList

log = logging.getLogger(__name__)
MAX_RECENT_EVENTS = 100_000
"""Event ids remembered against retries, over all sessions."""


class EventsOut(msgspec.Struct, frozen=True):
    """Answer of `POST /v1/events`."""

    accepted: int
    duplicates: int
    rejected: list[intake.Rejected]
    feed: slices.Slice


class PlanOut(msgspec.Struct, frozen=True):
    """Answer of `POST /v1/plan`."""

    version: int
    plan: list[PlanStep]
    cancel: list[str]
    refresh_s: float


@dataclass(frozen=True)
class FeedParts:
    """What the feed works with; each part is owned by the application."""

    clock: Clock
    identity: Identity
    store: SessionStore
    vectors: ItemVectors
    cards: CardCache
    refill: Refill
    spool: Spool
    worker: PrefetchWorker
    notices: Notices
    media_base: Callable[[str, float], str]
    """Folder of a video's objects for a player, at a time in Unix seconds."""
    curve_of: CurveOf = prior_curve
    """How long a video's viewers stay."""


class Feed:
    """The sessions of this edge at work."""

    def __init__(self, parts: FeedParts, ranking: Ranking, prefetch: PrefetchLimits) -> None:
        self._parts = parts
        self._ranking = ranking
        self._plan = prefetch.plan
        self._sources = Sources(parts.cards.get, parts.curve_of, self._base, prefetch.player)
        self._recent = Recent(MAX_RECENT_EVENTS)
        self._supply = Supply(parts.cards, parts.worker, parts.clock, prefetch.plan)
        self._view = View(parts.vectors, self._supply.card, self._supply.is_warm)

    @property
    def trending(self) -> TrendingList | None:
        """The region's list for when nothing else is known."""
        return self._supply.trending

    @trending.setter
    def trending(self, trending: TrendingList | None) -> None:
        self._supply.trending = trending

    def open(self, session_id: str, user_id: str) -> Session:
        """A new session without a queue; may push the longest idle one out."""
        parts = self._parts
        session = Session(id=session_id, user_id=user_id, version=parts.clock.wall_ms())
        self._left(parts.store.add(session, parts.clock.monotonic()))
        return session

    def find(self, session_id: str, user_id: str) -> Session | None:
        """The session in memory, used now."""
        session = self._parts.store.touch(session_id, self._parts.clock.monotonic())
        return session if session is not None and session.user_id == user_id else None

    def expire(self) -> None:
        """Drop idle sessions."""
        self._left(self._parts.store.expire(self._parts.clock.monotonic()))

    def slice(self, session: Session, n: int, told: Outlook | None = None) -> slices.Slice:
        """The next `n` videos. Moves nothing; fills up a queue that runs short.

        While the origin is away only what is cached is shown, as long as there is any.
        """
        nexts = self._supply.nexts(session, max(n, self._plan.n_ahead))
        return slices.build(session, nexts, n, self._plan, self._base, told=told)

    def plan(self, session: Session, player: PlayerIn) -> PlanOut:
        """What a player in this state should fetch. Moves nothing in the ranking."""
        told = self._outlook(session, player)
        self.replan(session)
        return PlanOut(session.version, told.plan, told.cancel, told.refresh_s)

    def take_events(self, session: Session, body: intake.EventsIn) -> EventsOut:
        """Fold a POST's events into the session; the answer is already re-ranked by them."""
        began_s = self._parts.clock.monotonic()
        accepted: list[ViewEvent] = []
        rejected: list[intake.Rejected] = []
        n_duplicates = 0
        now_ms = self._parts.clock.wall_ms()
        for index, event in enumerate(body.events):
            if reason := intake.problem(event):
                rejected.append(intake.Rejected(index, reason))
                continue
            unique = intake.global_id(session.user_id, event.id) if event.id else self._new_id(now_ms)
            if self._recent.add(unique):
                card = self._parts.cards.get(event.video)
                accepted.append(intake.view_event(session, event, card, unique, now_ms))
            else:
                n_duplicates += 1
        self._spool(accepted, now_ms)
        self._apply(session, accepted, body)
        told = self._outlook(session, body.player) if body.player else None
        answer = EventsOut(len(accepted), n_duplicates, rejected, self.slice(session, body.n, told))
        self.replan(session)
        self._parts.refill.want_queue(session)
        for result, n in (
            ("accepted", len(accepted)),
            ("duplicate", n_duplicates),
            ("rejected", len(rejected)),
        ):
            metrics.EVENTS.labels(result).inc(n)
        metrics.ANSWER_SECONDS.observe(self._parts.clock.monotonic() - began_s)
        return answer

    def take_queue(self, push: RankedQueue) -> bool:
        """Merge what the brain ranked; False when the session is gone or has a later queue."""
        session = self._parts.store.get(push.session_id)
        if session is None or session.user_id != push.user_id:
            metrics.QUEUES.labels("unknown_session").inc()
            return False
        items = [item for item in push.items if not self._parts.cards.is_withdrawn(item.video_id)]
        if not session.queue_version and not session.n_events:
            rules = self._ranking
            items = rerank.begin(items, self._supply.is_warm, rules.lead_among, rules.begin_gain)
        if not session.merge(msgspec.structs.replace(push, items=items)):
            metrics.QUEUES.labels("outdated").inc()
            return False
        metrics.QUEUES.labels("merged").inc()
        if push.recent and takeover.resume(session, push.recent):
            metrics.TAKEOVERS.inc()
            for signal in session.signals:
                self._parts.refill.want_item(signal.video_id)
        self._parts.refill.want_about(push)
        self._parts.cards.want(session.queue.ids)
        arrange(session, self._view, self._ranking)
        self.replan(session)
        told: dict[str, str | int] = {"queue_version": session.queue_version, "version": session.version}
        self._parts.notices.tell(session.id, Notice("queue", told))
        return True

    def take_trending(self, trending: TrendingList) -> None:
        """Keep the region's list for when nothing else is known; the latest wins."""
        if self.trending is None or trending.at_ms >= self.trending.at_ms:
            self.trending = trending
            self._parts.cards.want(item.video_id for item in trending.items)

    def withdraw(self, video_id: str) -> None:
        """A video is gone: out of every queue, and every player is told."""
        for session in self._parts.store:
            if session.drop({video_id}):
                arrange(session, self._view, self._ranking)
                self.replan(session)
        self._parts.notices.tell_all(Notice("withdrawn", {"video": video_id}))

    def replan(self, session: Session) -> None:
        """Have the next objects warmed, what the player was told first, in place of the former plan."""
        told, limits, card_of = session.told, self._plan, self._parts.cards.get
        n = len(told.at_hand) + limits.n_ahead + limits.n_reserve
        queued = {one.card.id: one.card for one in slices.upcoming(session, card_of, n)}
        # Behind a list comes the queue: back in the feed its openings are wanted again.
        listed = {card.id: card for card in self._listed(told.listed, session.current)}
        cards = list((listed | queued).values())[:n]
        steps = warming.steps(cards, limits, told, has_screen=bool(session.current))
        screen = f"/v/{session.current}/" if session.current else ""
        self._parts.worker.submit(session.id, steps, screen=screen)

    def _outlook(self, session: Session, player: PlayerIn) -> Outlook:
        began_s = self._parts.clock.monotonic()
        session.link = link_of(player, session.link)
        n_ahead = min(self._sources.rules.n_videos, player.ahead or MAX_HELD_VIDEOS)
        self._parts.cards.want([player.video, *player.next] if player.next else [])
        listed = self._listed(player.next, player.video)
        queued = [] if player.next else self._supply.nexts(session, n_ahead + 1)
        nexts = listed or [one.card for one in queued if one.card.id != player.video]
        screen = self._parts.cards.get(player.video)
        window = [screen, *nexts[:n_ahead]] if screen is not None and screen.rungs else nexts[:n_ahead]
        told = outlook(player, window, session.link, session.pace, self._sources)
        starts_with = told.told.starts_with or session.told.starts_with
        opens_with = told.told.opens_with or session.told.opens_with
        session.told = told.told._replace(starts_with=starts_with, opens_with=opens_with)
        metrics.PLAN_SECONDS.observe(self._parts.clock.monotonic() - began_s)
        metrics.PLAN_STEPS.labels("fetch").inc(len(told.plan))
        metrics.PLAN_STEPS.labels("cancel").inc(len(told.cancel))
        return told

    def _listed(self, videos: Sequence[str], on_screen: str) -> list[VideoCard]:
        """Of a list that a player walks what is at hand; what is not is fetched, for its next plan."""
        found = (self._parts.cards.get(video) for video in dict.fromkeys(videos))
        return [card for card in found if card is not None and card.rungs and card.id != on_screen]

    def _apply(self, session: Session, events: list[ViewEvent], body: intake.EventsIn) -> None:
        intake.apply(session, events)
        if body.current:
            session.current = body.current
            session.see([body.current])
        session.hold(body.held)
        if body.held and body.player is None:
            session.told = session.told.holding(body.held)
        session.held_bytes = held_bytes(self._parts.cards.get(session.held), body.player)
        for event in events:
            self._parts.refill.want_item(event.video_id)
            card = self._parts.cards.get(event.video_id)
            if event.kind is EventKind.WATCH and event.watched_ms and card is not None:
                curve = self._parts.curve_of(card.id, card.duration_ms)
                session.pace = session.pace.after(event.watched_ms / 1000, curve)
        arrange(session, self._view, self._ranking)

    def _spool(self, events: list[ViewEvent], now_ms: int) -> None:
        if events:
            edge_id, region = self._parts.identity
            batch = EventBatch(
                id=self._new_id(now_ms), edge_id=edge_id, region=region, at_ms=now_ms, events=events
            )
            self._parts.spool.append(codec.encode(batch))

    def _left(self, session_ids: list[str]) -> None:
        for session_id in session_ids:
            self._parts.worker.submit(session_id, [])
        self._parts.refill.forget(session_ids)
        metrics.SESSIONS.set(len(self._parts.store))

    def _base(self, video_id: str) -> str:
        return self._parts.media_base(video_id, self._parts.clock.wall_ms() / 1000)

    def _new_id(self, now_ms: int) -> str:
        return new_id(now_ms, os.urandom(10))
