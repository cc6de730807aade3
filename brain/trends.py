"""Keeps each region's trends in memory, and tells its edges when the list changes.

Read from the store every few seconds by one loop, so that no queue waits for it; kept as they were while
Redis is away.
"""

import asyncio
import logging

from brain.config import PushLimits
from brain.features.store import FeatureStore
from brain.features.trending import Trends, merge, ranking, share_of_top, tags
from brain.items import ItemTable
from brain.metrics import TRENDS_PUSHED
from brain.retrieval.fresh import newest
from brain.retrieval.retriever import RegionTrends
from shared import subjects
from shared.bus import Bus
from shared.clock import Clock
from shared.errors import Unavailable
from shared.messages.queues import Candidate, Source, TrendingList
from shared.messages.search import FoundTag

log = logging.getLogger(__name__)

MAX_REGIONS = 64
N_TAGS = 30
TELL_AGAIN_S = 30.0
"""An unchanged list is published again after this: an edge may have restarted."""
READ = 1_000
"""Videos of a trend that are read."""


class TrendKeeper:
    """Owner of the regions' trends."""

    def __init__(
        self, store: FeatureStore, table: ItemTable, bus: Bus, limits: PushLimits, clock: Clock
    ) -> None:
        self._store, self._table, self._bus = store, table, bus
        self._limits, self._clock = limits, clock
        self._regions: dict[str, None] = {}
        self._read: dict[str, Trends] = {}
        self._ready: dict[str, RegionTrends] = {}
        self._everywhere = RegionTrends()
        self._told: dict[str, tuple[list[tuple[str, float]], float]] = {}
        self._wake = asyncio.Event()

    @property
    def regions(self) -> list[str]:
        """The regions that we know of."""
        return list(self._regions)

    def of(self, region: str) -> RegionTrends:
        """The region's trends; those of everywhere when it has none of its own."""
        own = self._ready.get(region)
        return own if own is not None and own.now else self._everywhere

    def heard(self, region: str) -> None:
        """Follow this region from now on."""
        if region not in self._regions and len(self._regions) < MAX_REGIONS:
            self._regions[region] = None

    def tell_again(self, region: str) -> None:
        """Publish the region's list at the next turn even if it is the same: a new edge listens."""
        self.heard(region)
        self._told.pop(region, None)
        self._wake.set()

    async def run(self) -> None:
        """Read, publish what changed, wait; for ever."""
        while True:
            self._wake.clear()
            try:
                await self._refresh()
            except Unavailable as exc:
                log.debug("trends_not_read", extra={"code": exc.code, "detail": exc.detail})
            await self._tell()
            try:
                async with asyncio.timeout(self._limits.trends_every_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _refresh(self) -> None:
        for region in await self._store.regions():
            self.heard(region)
        table = self._table
        rows = newest(table.column("created_s"), table.column("is_alive"))
        fresh = [table.items[row].id for row in rows]
        for region in self.regions:
            self._read[region] = await self._store.trends(region, READ, fresh)
        now_by_region = [trends.now for trends in self._read.values()]
        lasting = share_of_top(merge(trends.lasting for trends in self._read.values()))
        shown: dict[str, int] = {}
        for trends in self._read.values():
            for video, count in trends.shown.items():
                shown[video] = shown.get(video, 0) + count
        self._everywhere = RegionTrends(share_of_top(merge(now_by_region)), lasting, shown)
        for region, trends in self._read.items():
            self._ready[region] = RegionTrends(
                share_of_top(trends.now), share_of_top(trends.lasting) or lasting, shown
            )

    async def _tell(self) -> None:
        everywhere = merge(trends.now for trends in self._read.values())
        for region in self.regions:
            own = self._read[region].now if region in self._read else {}
            items = self._listed(ranking(own, everywhere, 2 * self._limits.trending_items))
            former, told_s = self._told.get(region, ([], 0.0))
            now_s = self._clock.monotonic()
            if not items or (items == former and now_s < told_s + TELL_AGAIN_S):
                continue
            message = TrendingList(
                region=region,
                at_ms=self._clock.wall_ms(),
                items=[Candidate(video, score, Source.TRENDING) for video, score in items],
                hashtags=self._hashtags(items),
            )
            try:
                await self._bus.publish(subjects.trends(region), message)
            except Unavailable:
                return
            self._told[region] = (items, now_s)
            TRENDS_PUSHED.inc()

    def _hashtags(self, items: list[tuple[str, float]]) -> list[FoundTag]:
        table = self._table
        found = tags(items, lambda video: table.items[table.row_of[video]].hashtags, N_TAGS)
        return [FoundTag(tag, len(table.rows_of_tag[tag]), round(score, 3)) for tag, _, score in found]

    def _listed(self, ranked: list[tuple[str, float]]) -> list[tuple[str, float]]:
        """Of videos that live, filled up with the newest: short only when the catalogue is."""
        limit, table = self._limits.trending_items, self._table
        listed = {video: round(score, 3) for video, score in ranked if video in table.row_of}
        if len(listed) < limit:
            rows = newest(table.column("created_s"), table.column("is_alive"), 2 * limit)
            for row in sorted(rows, key=lambda row: -table.items[row].created_s):
                listed.setdefault(table.items[row].id, 0.0)
        return list(listed.items())[:limit]
