"""The purges of a node: applied to its cache, told to its workers, remembered on its disk, in this order.

So whoever hears that an order is done, or finds its sequence in the file, knows that every tier has done it.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from edge.cache import metrics
from edge.cache.key import PrimaryKey, primary_key
from edge.cache.tags import Purge
from edge.cache.tiered import TieredCache
from edge.cache.tombstones import Tombstone
from edge.purge.plan import MAX_PENDING, collapsed, purge_of
from edge.purge.state import PurgeFile, SavedPurges
from shared.clock import Clock
from shared.config import setting
from shared.errors import DecodeError
from shared.messages.purge import PurgeOrder, PurgeScope
from shared.resume import Place
from shared.subjects import PURGE

log = logging.getLogger(__name__)
Listener = Callable[[Purge], Awaitable[int]]


@dataclass(frozen=True)
class PurgeLimits:
    """How long an order is waited for, who else may give one, and what is remembered."""

    receipt_s: float = setting(
        2.0, "an order waits so long for the receipts of all living nodes", unit="s", low=0, high=30
    )
    hold_s: float = setting(
        5.0, "a request waits so long for the replay of missed purges, then 503", unit="s", low=0, high=60
    )
    method_from: str = setting(
        "", "addresses or networks that may use the HTTP method PURGE, with commas between; empty: nobody"
    )


class Purges:
    """The one door for purges of a node. Its `listeners` (workers) are awaited before an order is done."""

    def __init__(
        self,
        cache: TieredCache,
        file: PurgeFile,
        clock: Clock,
        key_of: Callable[[str], PrimaryKey] = primary_key,
    ) -> None:
        self._cache = cache
        self._key_of = key_of
        self._file = file
        self._clock = clock
        self.listeners: list[Listener] = []
        self.tombstones = cache.tombstones
        self.places: dict[str, Place] = {}
        """The last message applied, by stream."""
        self.pending: list[PurgeOrder] = []
        """Given while NATS was away: the other nodes are still to be told."""
        self.n_unsent = 0
        """Orders that are applied here and on their way into the log."""
        self._published: Place | None = None
        self._is_damaged = False

    @property
    def has_unsent(self) -> bool:
        """Whether something is purged here of which no other node can know."""
        return bool(self.pending) or self.n_unsent > 0

    @property
    def latest(self) -> Place | None:
        """The latest order that is applied here, be it from the log or on its way back from there."""
        place, ours = self.places.get(PURGE.name), self._published
        is_ours_later = place and ours and place.created == ours.created and place.seq < ours.seq
        return ours if is_ours_later else place

    def published(self, revision: int) -> None:
        """One of ours is in the log."""
        if place := self.places.get(PURGE.name):
            self._published = place._replace(seq=revision)

    @property
    def n_marks(self) -> int:
        """Purges that stored objects are still judged by."""
        return len(self._cache.marks)

    def restore(self) -> None:
        """Read the file; call it before the cache opens, for its marks decide what the disk still holds."""
        try:
            saved = self._file.load()
        except DecodeError as exc:
            log.error("purges_lost", extra={"reason": exc.detail})
            self._is_damaged = True
            return
        self.places, self.pending = dict(saved.places), list(saved.pending)
        self._cache.marks.restore(saved.marks)
        for stone in saved.tombstones:
            self.tombstones.bury(stone)
        self.tombstones.expire(self._clock.wall_ms())

    async def begin(self) -> None:
        """The cache is open: when the file was damaged, nothing in it can be trusted."""
        if self._is_damaged:
            await self.everything("damaged")
            await self.keep()

    async def apply(self, order: PurgeOrder) -> int:
        """Do what an order says here; returns how many objects. Not kept: call `keep` after the last one."""
        n_objects = await self.purge(purge_of(order, self._clock.wall_ms(), self._key_of))
        mode = "soft" if order.is_soft else "hard"
        metrics.PURGED.labels(order.scope, mode).inc(n_objects)
        log.info(
            "purged",
            extra={"scope": order.scope, "value": order.value[:200], "mode": mode, "objects": n_objects},
        )
        return n_objects

    async def purge(self, purge: Purge) -> int:
        """In every tier, then in the workers, whose objects are copies of ours and are not counted again."""
        n_objects = await self._cache.purge(purge)
        for listener in self.listeners:
            await listener(purge)
        return n_objects

    async def everything(self, why: str) -> None:
        """Anything may have been purged unheard."""
        n_objects = await self.purge(Purge(at_ms=self._clock.wall_ms()))
        if n_objects:
            log.warning("purged_everything", extra={"reason": why, "objects": n_objects})
            metrics.PURGED.labels(PurgeScope.ALL, "hard").inc(n_objects)

    async def withdraw(self, video_id: str, seq: int) -> None:
        """From now on 410, whatever is stored or under way; done when every tier has forgotten the video."""
        now_ms = self._clock.wall_ms()
        if self.tombstones.bury(Tombstone(video_id, seq, now_ms)):
            self.tombstones.expire(now_ms)
            await self.purge(Purge(tag=f"video:{video_id}", at_ms=now_ms))
            await self._cache.drop_buried()  # an object without tags would stay on the hot path
            await self.keep()

    async def republish(self, video_id: str, seq: int) -> None:
        """The video is there again."""
        if self.tombstones.raise_(video_id, seq):
            await self.keep()

    def owe(self, order: PurgeOrder) -> None:
        """The other nodes are to hear this order later; too many become one that covers them all."""
        self.pending.append(order)
        if len(self.pending) > MAX_PENDING:
            self.pending = [collapsed(self.pending)]

    def paid(self, order: PurgeOrder) -> None:
        """The log has it."""
        if order in self.pending:
            self.pending.remove(order)

    async def keep(self) -> None:
        """Return when everything up to now is on the disk."""
        metrics.TOMBSTONES.set(len(self.tombstones))
        await self._file.keep(self._saved)

    def _saved(self) -> SavedPurges:
        return SavedPurges(
            dict(self.places), self._cache.marks.saved(), self.tombstones.saved(), list(self.pending)
        )
