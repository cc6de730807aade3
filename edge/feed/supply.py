"""What can be shown next: fills queues from what is at hand, shows only what the origin's state allows."""

from edge import metrics
from edge.feed import fallback
from edge.feed.cards import CardCache
from edge.prefetch import warming
from edge.prefetch.worker import PrefetchWorker
from edge.session import slice as slices
from edge.session.state import Session
from shared.clock import Clock
from shared.messages.catalog import VideoCard
from shared.messages.queues import Candidate, Source, TrendingList

MIN_READY = 8
"""Videos that can be shown below which the fallback fills up."""
N_FRESH = 200
FRESH_FOR_S = 1.0
"""The newest cards are looked up at most this often."""


class Supply:
    """The videos that a session can go on with."""

    def __init__(
        self, cards: CardCache, worker: PrefetchWorker, clock: Clock, plan: warming.PlanLimits
    ) -> None:
        self._cards = cards
        self._worker = worker
        self._clock = clock
        self._plan = plan
        self._fresh: tuple[float, list[VideoCard]] = (float("-inf"), [])
        self.trending: TrendingList | None = None

    def nexts(self, session: Session, n: int) -> list[slices.Upcoming]:
        """The next videos that can be shown; while the origin is away the cached ones, if there are any."""
        self._fill(session, n)
        nexts = slices.upcoming(session, self.card, n)
        return nexts or slices.upcoming(session, self._cards.get, n)

    def _fill(self, session: Session, n: int) -> None:
        """Queue in hand, then trending, then fresh, then the oldest seen: never an empty screen."""
        needed = max(n, MIN_READY)
        if len(slices.upcoming(session, self.card, needed)) >= needed:
            return
        known = session.seen.keys() | session.queue.ids
        items = self.trending.items if self.trending else []
        popular = fallback.trending(items, known, self.is_playable)
        fresh = fallback.fresh(self._newest(), known, self._is_cached)
        chosen = fallback.fill(2 * needed, popular, fresh)
        if session.extend(chosen):
            metrics.FALLBACKS.labels("trending" if popular else "fresh").inc()
        if len(slices.upcoming(session, self.card, self._plan.n_ahead)) < self._plan.n_ahead:
            self._show_again(session)

    def _show_again(self, session: Session) -> None:
        again = fallback.again(session.seen, self.is_playable, session.current)
        session.forget_seen(again)
        if session.current in again:
            session.current = ""
        shown = (session.served.get(video_id) for video_id in again)
        known = {one.video_id: one for one in shown if one is not None}
        items = [known.get(video_id, Candidate(video_id, 0.0, Source.FALLBACK_CACHED)) for video_id in again]
        if session.extend(items):
            metrics.FALLBACKS.labels("again").inc()

    def _newest(self) -> list[VideoCard]:
        now = self._clock.monotonic()
        if now - self._fresh[0] > FRESH_FOR_S:
            self._fresh = (now, self._cards.newest(N_FRESH))
        return self._fresh[1]

    def card(self, video_id: str) -> VideoCard | None:
        """The card of a video that can be shown now."""
        card = self._cards.get(video_id)
        if card is None or not self._worker.is_origin_away:
            return card
        return card if self._is_cached(card) else None

    def is_playable(self, video_id: str) -> bool:
        card = self.card(video_id)
        return card is not None and bool(card.rungs)

    def is_warm(self, video_id: str) -> bool:
        card = self._cards.get(video_id)
        return card is not None and self._is_cached(card)

    def _is_cached(self, card: VideoCard) -> bool:
        return any(self._worker.is_cached(path) for path in warming.opening_paths(card))
