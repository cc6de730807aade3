"""Follows the catalogue: cards change, withdrawn videos leave the cache, the queues and the players at once.

Core NATS tells as it happens; the origin's log, read by sequence from where we stopped, tells the rest.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from edge.feed.cards import CardCache
from edge.feed.feed import Feed
from edge.feed.origin_api import CatalogPage
from edge.purge.node import Purges
from shared.errors import ServiceError
from shared.messages import CatalogEvent, CatalogKind, VideoCard

log = logging.getLogger(__name__)
PAGE = 500


class Catalogue:
    """Applies each change once, the later one of a video last."""

    def __init__(
        self,
        cards: CardCache,
        feed: Feed,
        read: Callable[[int, int], Awaitable[CatalogPage]],
        purges: Purges,
        reconcile_s: float,
    ) -> None:
        self._cards = cards
        self._feed = feed
        self._read = read
        self._purges = purges
        self._reconcile_s = reconcile_s
        self._due = asyncio.Event()

    async def hear(self, event: CatalogEvent) -> None:
        """A change as it happens."""
        await self._take(event.kind, event.video_id, event.seq, event.card)

    async def ask_again(self) -> None:
        """Something may have been missed: read the log soon."""
        self._due.set()

    async def reconcile_forever(self) -> None:
        """Read the log now, every reconcile_s, and when asked."""
        while True:
            self._due.clear()
            try:
                await self.reconcile()
            except ServiceError as exc:
                log.debug("reconcile_failed", extra={"code": exc.code})
            try:
                async with asyncio.timeout(self._reconcile_s):
                    await self._due.wait()
            except TimeoutError:
                continue

    async def reconcile(self) -> None:
        """Take every change after the last one that was read. Raises ServiceError."""
        while True:
            page = await self._read(self._cards.last_seq, PAGE)
            if not page.events:
                if page.last_seq < self._cards.last_seq:
                    log.warning("catalogue_started_anew", extra={"last_seq": page.last_seq})
                    self._cards.last_seq = 0
                    self._purges.tombstones.renumber()
                return
            for line in page.events:
                await self._take(line.kind, line.video_id, line.seq, line.card)
                self._cards.last_seq = line.seq

    async def _take(self, kind: CatalogKind, video_id: str, seq: int, card: VideoCard | None) -> None:
        if kind is CatalogKind.WITHDRAWN or card is None:
            if self._cards.withdraw(video_id, seq):
                self._feed.withdraw(video_id)
                await self._purges.withdraw(video_id, seq)
        else:
            self._cards.publish(card, seq)
            await self._purges.republish(video_id, seq)
