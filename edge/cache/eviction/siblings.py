"""Which videos had a newcomer lately that was asked for again?

Pure. An object's own history says little while it is new; its siblings' says more: where viewers came back
for one segment or rung, they come for the next. Where that would hold for many, keys are grouped in a way
that says nothing, such as a folder with everything in it, and nobody vouches.
"""

from collections.abc import Callable, Hashable
from typing import Generic

from edge.cache.eviction.policy import K

TELLING = 0.25
"""Of the bytes that leave probation, as much may siblings keep. On generated churn they would keep 0.01 to
0.19; where objects are in folders by chance, soon most."""


class Siblings(Generic[K]):
    """Videos by period, this one and the last; in one as many bytes leave probation as the cache holds.

    Bounded: a video is here only because a key of it left probation within two periods.
    """

    def __init__(self, video_of: Callable[[K], Hashable], capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self.is_trusted = True
        self.kept: set[K] = set()
        """What siblings kept in this period, or would have, were they trusted; for the miniature."""
        self._video_of = video_of
        self._now: set[Hashable] = set()
        self._before: set[Hashable] = set()
        self._kept_bytes = self._seen_bytes = self._seen_before_bytes = 0

    def promote(self, key: K, size_bytes: int, was_hit: int) -> bool:
        """Whether to keep key, whose probation ends: for its own hits, or for its siblings'."""
        self._seen_bytes += size_bytes
        if self._seen_bytes >= self.capacity_bytes:
            self._end_period()
        video = self._video_of(key)
        if was_hit:
            self._now.add(video)
            return True
        if video not in self._now and video not in self._before:
            return False
        self._kept_bytes += size_bytes
        if self._kept_bytes > TELLING * (self._seen_bytes + self._seen_before_bytes):
            return False
        self.kept.add(key)
        return self.is_trusted

    def _end_period(self) -> None:
        self._before, self._now = self._now, set()
        self._kept_bytes //= 2
        self._seen_before_bytes, self._seen_bytes = self._seen_bytes, 0
        self.kept.clear()
