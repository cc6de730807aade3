"""Objects brought into RAM before anybody asks, through the same fills as every request."""

import logging
from enum import StrEnum
from typing import NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy

from edge.cache.freshness import NO_RULES, Storable, Verdict, judge
from edge.cache.key import PrimaryKey
from edge.cache.tiered import TieredCache
from edge.fills.fill import Fills
from edge.fills.reader import Reader
from edge.fills.want import Head, Ready, Want
from shared.clock import Clock
from shared.errors import ServiceError

log = logging.getLogger(__name__)

NO_HEADERS: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())
SERVED_AT_ONCE = frozenset({Verdict.FRESH, Verdict.STALE_ALLOWED, Verdict.STALE_WHILE_REVALIDATE})
"""What may be used without the origin."""


class Warmth(StrEnum):
    """Where an object that is now in RAM came from, or why it is not there."""

    MEMORY = "memory"
    DISK = "disk"
    ORIGIN = "origin"
    REFUSED = "refused"
    """The origin's answer may not be stored, or is no 200."""
    FAILED = "failed"
    """The origin gave no complete answer."""


class WarmResult(NamedTuple):
    """What became of a warming."""

    source: Warmth
    size_bytes: int = 0


class Warmer:
    """Warms one object at a time; how many and which is for the caller to decide."""

    def __init__(self, cache: TieredCache, fills: Fills, clock: Clock) -> None:
        self._cache = cache
        self._fills = fills
        self._clock = clock

    def arrived_bytes(self, primary: PrimaryKey) -> int:
        """What came so far of an object that is under way."""
        flight = self._fills.under_way(self._cache.flight_key(primary, NO_HEADERS))
        return flight.size_bytes if flight is not None else 0

    async def warm(self, primary: PrimaryKey) -> WarmResult:
        """Bring the object into RAM. Never raises for the origin's sake; a cancelled warming's fill stops
        like one that the last viewer has left."""
        if self._cache.tombstones.is_buried(primary):
            return WarmResult(Warmth.REFUSED)
        self._cache.expect(primary)
        try:
            hit = await self._cache.find(primary, NO_HEADERS)
            if hit is not None:
                meta = hit.hot.entry.meta
                if judge(meta.policy, meta.age_s(self._clock.wall_ms()), NO_RULES) in SERVED_AT_ONCE:
                    return WarmResult(Warmth(hit.tier), meta.size_bytes)
            key = self._cache.flight_key(primary, NO_HEADERS)
            want = Want(primary, NO_HEADERS, key, hit.hot.entry if hit else None, is_live=False)
            reader = self._fills.join(want)
            try:
                return await _read(reader)
            finally:
                self._fills.leave(reader, is_viewer=False)
        except ServiceError as exc:
            log.debug("warm_failed", extra={"key": primary, "code": exc.code})
            return WarmResult(Warmth.FAILED)


async def _read(reader: Reader[Head]) -> WarmResult:
    head = await reader.head()
    if isinstance(head, Ready):
        return WarmResult(Warmth.ORIGIN, head.entry.meta.size_bytes)
    if head.verdict is not Storable.YES:
        return WarmResult(Warmth.REFUSED)
    n_bytes = sum([len(chunk) async for chunk in reader.chunks()])
    return WarmResult(Warmth.ORIGIN, n_bytes) if head.response.status == 200 else WarmResult(Warmth.REFUSED)
