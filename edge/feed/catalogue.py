"""Follows the catalogue: cards change, withdrawn videos leave the cache, the queues and the players at once.

Core NATS tells as it happens; the origin's log, read by sequence from where we stopped, tells the rest.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from edge.feed.cards import CardCache
from edge.feed.feed import Feed
from edge.purge.node import Purges
from shared.errors import ServiceError
from shared.messages.catalog import CatalogEvent, CatalogKind
from shared.messages.reads import CatalogPage

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
        """Apply a change: as it happens, or as the log tells it."""
        video, seq = event.video_id, event.seq
        if event.kind is CatalogKind.WITHDRAWN or event.card is None:
            if self._cards.withdraw(video, seq):
                self._feed.withdraw(video)
                await self._purges.withdraw(video, seq)
        else:
            self._cards.publish(event.card, seq)
            await self._purges.republish(video, seq)

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
            for event in page.events:
                await self.hear(event)
                self._cards.last_seq = event.seq
