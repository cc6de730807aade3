"""The cards of the videos in play: read without waiting, fetched in batches, changed by catalogue events.

A card is never dropped for its age: an old one is asked for anew while it is shown, and it is all there is
when the origin is away. A withdrawn video leaves a tombstone, so that no late answer brings it back.
"""

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from edge import metrics
from edge.bounded import BoundedCache
from edge.feed.origin_api import MAX_CARDS
from shared.clock import Clock
from shared.config import setting
from shared.errors import DecodeError, ServiceError
from shared.messages.catalog import VideoCard
from shared.messages.reads import CardPage

log = logging.getLogger(__name__)
MAX_WANTED = 20_000


@dataclass(frozen=True)
class CardLimits:
    """How many cards are held, and for how long one is believed."""

    max_cards: int = setting(
        20_000, "cards in memory; the least recently used leaves", low=100, high=5_000_000
    )
    max_saved: int = setting(2_000, "cards kept on disk for a start without an origin", low=0, high=100_000)
    fresh_s: float = setting(300.0, "a card in use is asked for again after so long", unit="s", low=1)
    absent_s: float = setting(30.0, "an unknown video is not asked for again for so long", unit="s", low=1)


class _Entry(msgspec.Struct, frozen=True):
    card: VideoCard
    at_s: float
    seq: int = 0


class _Saved(msgspec.Struct, frozen=True):
    last_seq: int
    cards: list[VideoCard]


class CardCache:
    """Cards by video. Invariant: a withdrawn video has no card."""

    def __init__(
        self, limits: CardLimits, clock: Clock, fetch: Callable[[Sequence[str]], Awaitable[CardPage]]
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._fetch = fetch
        self._entries: BoundedCache[_Entry] = BoundedCache(limits.max_cards)
        self._withdrawn: BoundedCache[int] = BoundedCache(limits.max_cards)
        self._absent: BoundedCache[float] = BoundedCache(limits.max_cards)
        self._wanted: dict[str, None] = {}
        self._wake = asyncio.Event()
        self.last_seq = 0
        """Of the catalogue's log: everything up to here was seen, in order."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, video_id: str) -> VideoCard | None:
        """The card, if it is held."""
        entry = self._entries.peek(video_id)
        return entry.card if entry else None

    def newest(self, n: int) -> list[VideoCard]:
        """The `n` cards created last."""
        return heapq.nlargest(n, (e.card for e in self._entries.values()), key=lambda c: c.created_ms)

    def publish(self, card: VideoCard, seq: int) -> bool:
        """Take a card of the catalogue; False when a later change is known."""
        entry = self._entries.peek(card.id)
        if seq <= max(entry.seq if entry else 0, self._withdrawn.peek(card.id) or 0):
            return False
        self._withdrawn.discard(card.id)
        self._put(card, seq)
        return True

    def withdraw(self, video_id: str, seq: int) -> bool:
        """The video is gone; False when a later change is known."""
        entry = self._entries.peek(video_id)
        if entry is not None and seq < entry.seq:
            return False
        self._withdrawn.put(video_id, max(seq, self._withdrawn.peek(video_id) or 0))
        self._entries.discard(video_id)
        self._wanted.pop(video_id, None)
        metrics.CARDS.set(len(self._entries))
        return True

    def is_withdrawn(self, video_id: str) -> bool:
        """Whether the catalogue took it back."""
        return self._withdrawn.peek(video_id) is not None

    def want(self, video_ids: Iterable[str]) -> None:
        """Fetch these in the background if they are not held or old; keep those that are held."""
        now = self._clock.monotonic()
        for video_id in video_ids:
            entry = self._entries.peek(video_id)
            if entry is not None:
                self._entries.use(video_id)
                if now - entry.at_s < self._limits.fresh_s:
                    continue
            elif self._is_hopeless(video_id, now):
                continue
            if len(self._wanted) < MAX_WANTED:
                self._wanted[video_id] = None
        if self._wanted:
            self._wake.set()

    async def fetch_now(self, video_ids: Sequence[str]) -> None:
        """Fetch those of the first MAX_CARDS that are not held. Raises ServiceError."""
        now = self._clock.monotonic()
        absent = [v for v in video_ids if self.get(v) is None and not self._is_hopeless(v, now)]
        if absent:
            await self._fetch_batch(absent[:MAX_CARDS])

    async def fetch_forever(self) -> None:
        """Fetch what is wanted, in batches; while the origin is away, try again every second."""
        while True:
            batch = list(self._wanted)[:MAX_CARDS]
            if not batch:
                self._wake.clear()
                await self._wake.wait()
                continue
            try:
                await self._fetch_batch(batch)
            except ServiceError as exc:
                metrics.CARD_FETCHES.labels(exc.code).inc()
                await asyncio.sleep(1.0)
                continue
            for video_id in batch:
                self._wanted.pop(video_id, None)

    def pack(self) -> bytes:
        """The newest cards as bytes, for a start without an origin."""
        return msgspec.msgpack.encode(_Saved(self.last_seq, self.newest(self._limits.max_saved)))

    def unpack(self, data: bytes) -> None:
        """Take the cards of `pack`; those already held stay. Raises DecodeError."""
        try:
            saved = msgspec.msgpack.decode(data, type=_Saved)
        except msgspec.DecodeError as exc:
            raise DecodeError(f"saved cards: {exc}") from exc
        old_s = self._clock.monotonic() - self._limits.fresh_s
        for card in saved.cards:
            if self.get(card.id) is None and not self.is_withdrawn(card.id):
                self._entries.put(card.id, _Entry(card, old_s))
        self.last_seq = saved.last_seq
        metrics.CARDS.set(len(self._entries))

    async def _fetch_batch(self, video_ids: Sequence[str]) -> None:
        asked_s = self._clock.monotonic()
        page = await self._fetch(video_ids)
        metrics.CARD_FETCHES.labels("ok").inc()
        for card in page.cards:
            entry = self._entries.peek(card.id)
            if not self.is_withdrawn(card.id) and (entry is None or entry.at_s <= asked_s):
                self._put(card, entry.seq if entry else 0)
        now = self._clock.monotonic()
        for video_id in page.missing:
            self._absent.put(video_id, now)

    def _put(self, card: VideoCard, seq: int) -> None:
        self._entries.put(card.id, _Entry(card, self._clock.monotonic(), seq))
        self._absent.discard(card.id)
        metrics.CARDS.set(len(self._entries))

    def _is_hopeless(self, video_id: str, now: float) -> bool:
        absent_s = self._absent.peek(video_id)
        return self.is_withdrawn(video_id) or (
            absent_s is not None and now - absent_s < self._limits.absent_s
        )
