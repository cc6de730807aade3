"""Tells edges how long viewers stay with each video: what changed, every few seconds, and what is asked for.

Each brain tells of the videos whose events it took; the counts are the store's, so any of them is right.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from brain.bus import QUEUE_GROUP
from brain.config import RetentionLimits
from brain.features import retention
from brain.features.store import FeatureStore
from brain.items import Item, ItemTable
from brain.metrics import CURVES
from shared import subjects
from shared.bus import Bus
from shared.clock import Clock
from shared.errors import Unavailable
from shared.messages.message import Message
from shared.messages.retention import Curve, Retention, RetentionRequest
from shared.retention import MAX_POINTS, n_points

log = logging.getLogger(__name__)

MAX_CURVES = 500
"""Videos of one message, and of one turn."""


class RetentionKeeper:
    """Owner of what edges were told of curves. Bounded: the videos told longest ago are forgotten."""

    def __init__(
        self,
        store: FeatureStore,
        table: ItemTable,
        bus: Bus,
        limits: RetentionLimits,
        clock: Clock,
    ) -> None:
        self._store, self._table, self._bus = store, table, bus
        self._limits, self._clock = limits, clock
        self._changed: dict[str, None] = {}
        self._told: OrderedDict[str, Curve] = OrderedDict()
        self._hazards: dict[str, retention.FloatArray] = {"": retention.assumed_hazard()}
        self._priors: dict[str, Curve] = {}
        self._told_priors: dict[str, Curve] = {}
        self._priors_read_s = float("-inf")

    async def start(self) -> None:
        """Answer edges; brains share the queue group."""
        await self._bus.respond(subjects.RETENTION_REQUEST, RetentionRequest, self.answer, QUEUE_GROUP)

    def heard(self, videos: Iterable[str]) -> None:
        """These were watched. Above the bound the latest are left for their next watch."""
        for video in videos:
            if len(self._changed) < self._limits.pending:
                self._changed[video] = None

    async def answer(self, request: RetentionRequest) -> Message:
        """The curves that were asked for, with all priors. Raises Unavailable."""
        await self._read_priors()
        curves = await self._curves(list(dict.fromkeys(request.video_ids[:MAX_CURVES])))
        return Retention(at_ms=self._clock.wall_ms(), curves=curves, priors=self._priors)

    async def run(self) -> None:
        """Publish what changed, wait; for ever."""
        while True:
            await asyncio.sleep(self._limits.every_s)
            try:
                await self.tell()
            except Unavailable as exc:
                log.debug("retention_not_told", extra={"code": exc.code, "detail": exc.detail})

    async def tell(self) -> None:
        """Publish the curves that moved since they were told. Raises Unavailable; the videos wait."""
        batch = list(self._changed)[:MAX_CURVES]
        for video in batch:  # before the first await: who is watched meanwhile is told again
            del self._changed[video]
        try:
            if batch:
                await self._publish(batch)
        except Unavailable:
            self.heard(batch)
            raise

    async def _publish(self, batch: list[str]) -> None:
        await self._read_priors()
        step = self._limits.step
        curves = {
            video: curve
            for video, curve in (await self._curves(batch)).items()
            if retention.differs(self._told.get(video), curve, step)
        }
        priors = {
            name: curve
            for name, curve in self._priors.items()
            if retention.differs(self._told_priors.get(name), curve, step)
        }
        if curves or priors:
            message = Retention(at_ms=self._clock.wall_ms(), curves=curves, priors=priors)
            await self._bus.publish(subjects.RETENTION, message)
        CURVES.labels("told").inc(len(curves))
        CURVES.labels("unmoved").inc(len(batch) - len(curves))
        self._told_priors |= priors
        for video, curve in curves.items():
            self._told[video] = curve
            self._told.move_to_end(video)
        while len(self._told) > self._limits.remembered:
            self._told.popitem(last=False)

    async def _read_priors(self) -> None:
        now_s = self._clock.monotonic()
        if now_s - self._priors_read_s < self._limits.priors_every_s:
            return
        by_category = await self._store.category_watches()
        self._priors_read_s = now_s
        assumed, trust = retention.assumed_hazard(), self._limits.category_viewers
        everybody = self._counts(retention.merged(by_category.values()))
        hazards = {"": retention.hazard(everybody, assumed, trust)}
        weights = {"": everybody.weight}
        for name, levels in by_category.items():
            if name:
                counts = self._counts(levels)
                hazards[name] = retention.hazard(counts, hazards[""], trust)
                weights[name] = counts.weight
        self._hazards = hazards
        self._priors = {name: retention.curve(hazards[name], MAX_POINTS, weights[name]) for name in hazards}

    async def _curves(self, videos: Sequence[str]) -> dict[str, Curve]:
        items = [self._table.items[row] for row in self._table.rows(list(videos))]
        found = await self._store.watches([(item.category, item.id) for item in items])
        return {
            item.id: self._curve(item, levels) for item, levels in zip(items, found, strict=True) if levels
        }

    def _curve(self, item: Item, levels: dict[str, float]) -> Curve:
        counts = self._counts(levels)
        parent = self._hazards.get(item.category, self._hazards[""])
        hazards = retention.hazard(counts, parent, self._limits.video_viewers)
        return retention.curve(hazards, n_points(item.duration_s * 1000), counts.weight)

    def _counts(self, levels: dict[str, float]) -> retention.Watches:
        return retention.watches(levels, self._clock.wall_ms() / 1000, self._store.half_life_lasting_s)
