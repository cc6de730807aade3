"""Keeps the item table equal to the origin's catalogue.

Three ways in, all idempotent by sequence number: the live subjects of CATALOG for speed, a replay of the
stream at start and after every reconnect, and the origin's own list every `reconcile_s`, because an
acknowledgement in a stream is no proof of disk. Either of the last two may be away.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import aiohttp
import msgspec

from brain.items import Change, ItemTable
from brain.metrics import CATALOGUE_EVENTS, CATALOGUE_FAILURES, VIDEOS
from shared import subjects
from shared.bus import Bus
from shared.errors import Unavailable
from shared.messages.catalog import CatalogEvent, VideoCard
from shared.messages.reads import CatalogPage

log = logging.getLogger(__name__)

PAGE = 500
PAGE_BYTES = 16 * 1024 * 1024
ORIGIN_TIMEOUT_S = 5.0
YIELD_EVERY = 500
"""Events applied between two turns of the event loop."""


class Catalogue:
    """Owner of the table's changes. `on_removed` is told of each withdrawn video."""

    def __init__(
        self, table: ItemTable, bus: Bus, http: aiohttp.ClientSession, origin_url: str, reconcile_s: float
    ) -> None:
        self.table = table
        self._bus, self._http = bus, http
        self._origin_url, self._reconcile_s = origin_url.rstrip("/"), reconcile_s
        self._next_stream_seq = 1
        self._origin_seq = 0
        self._wake = asyncio.Event()
        self.is_loaded = asyncio.Event()
        """Set once the stream or the origin was read to its end."""
        self.on_card: Callable[[str, VideoCard | None], None] = lambda *_: None
        """Told of each video that is new, changed or (None) gone."""
        self.on_removed: Callable[[str], Awaitable[None]] | None = None

    async def start(self) -> None:
        """Subscribe to live changes; a reconnect makes the loop look for what was missed."""
        await self._bus.subscribe(subjects.ALL_CATALOG, CatalogEvent, self._live)

        async def reconnected() -> None:
            self._wake.set()

        self._bus.on_reconnect(reconnected)

    async def run(self) -> None:
        """Replay and reconcile, for ever."""
        while True:
            self._wake.clear()
            has_replayed = await self.replay()
            has_reconciled = await self.reconcile()
            if has_replayed or has_reconciled:
                self.is_loaded.set()
            wait_s = self._reconcile_s if self.is_loaded.is_set() else min(1.0, self._reconcile_s)
            try:
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def replay(self) -> bool:
        """Read the stream from where we were; whether its end was reached."""
        try:
            async for seq, event in self._bus.replay(
                subjects.CATALOG, CatalogEvent, start_seq=self._next_stream_seq
            ):
                await self._apply(event, "replay")
                self._next_stream_seq = seq + 1
                if seq % YIELD_EVERY == 0:
                    await asyncio.sleep(0)
        except Unavailable as exc:
            return self._failed("replay", exc)
        return True

    async def reconcile(self) -> bool:
        """Read the origin's changes since the last time; whether all were read."""
        while True:
            try:
                page = await self._page()
            except Unavailable as exc:
                return self._failed("origin", exc)
            for event in page.events:
                await self._apply(event, "origin")
            if not page.events:
                return True
            self._origin_seq = max(self._origin_seq, page.events[-1].seq)
            await asyncio.sleep(0)

    async def _page(self) -> CatalogPage:
        url = f"{self._origin_url}/internal/catalog"
        query = {"after_seq": str(self._origin_seq), "limit": str(PAGE)}
        try:
            async with self._http.get(
                url, params=query, timeout=aiohttp.ClientTimeout(total=ORIGIN_TIMEOUT_S)
            ) as answer:
                body = await answer.content.read(PAGE_BYTES)
                if answer.status != 200:
                    raise Unavailable(f"the origin answered {answer.status}")
                while part := await answer.content.read(PAGE_BYTES - len(body)):
                    body += part
                return msgspec.json.decode(body, type=CatalogPage)
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError) as exc:
            raise Unavailable(f"origin: {exc}") from exc

    async def _live(self, event: CatalogEvent) -> None:
        if event.seq > self.table.last_seq + 1:
            self._wake.set()
        await self._apply(event, "live")

    async def _apply(self, event: CatalogEvent, via: str) -> None:
        change = self.table.apply(event)
        CATALOGUE_EVENTS.labels(via, change.name.lower()).inc()
        VIDEOS.set(self.table.n_alive)
        if change is not Change.STALE:
            self.on_card(event.video_id, event.card if event.video_id in self.table.row_of else None)
        if change is Change.REMOVED and self.on_removed is not None:
            await self.on_removed(event.video_id)

    def _failed(self, via: str, error: Unavailable) -> bool:
        CATALOGUE_FAILURES.labels(via).inc()
        log.debug("catalogue_not_read", extra={"via": via, "code": error.code, "detail": error.detail})
        return False
