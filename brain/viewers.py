"""Reads viewers' profiles, and remembers them for when Redis is away.

After a read that failed or took too long the others are answered from memory, and one read a pause asks
again: a dead Redis costs one request a second its timeout, and nobody else anything. Bounded, least recent
out.
"""

import asyncio
from collections import OrderedDict

from brain.config import PipelineLimits
from brain.features.store import FeatureStore, Profile
from brain.metrics import PROFILE_READS
from shared.clock import Clock
from shared.errors import Unavailable


class Viewers:
    """Owner of the remembered profiles."""

    def __init__(self, store: FeatureStore, limits: PipelineLimits, clock: Clock) -> None:
        self._store, self._limits, self._clock = store, limits, clock
        self._kept: OrderedDict[str, Profile] = OrderedDict()
        self._is_away = False
        self._ask_again_s = 0.0

    async def profile(self, user_id: str) -> Profile:
        """What is known of the viewer: from the store, else from memory, else nothing."""
        if self._is_away:
            if self._clock.monotonic() < self._ask_again_s:
                return self._remembered(user_id)
            self._pause()  # this one asks, the others go on from memory
        try:
            async with asyncio.timeout(self._limits.read_timeout_s):
                profile = await self._store.profile(user_id)
        except (Unavailable, TimeoutError):
            self._pause()
            return self._remembered(user_id)
        self._is_away = False
        PROFILE_READS.labels("store").inc()
        self._kept[user_id] = profile
        self._kept.move_to_end(user_id)
        while len(self._kept) > self._limits.cached_profiles:
            self._kept.popitem(last=False)
        return profile

    def _pause(self) -> None:
        self._is_away = True
        self._ask_again_s = self._clock.monotonic() + self._limits.redis_pause_s

    def _remembered(self, user_id: str) -> Profile:
        PROFILE_READS.labels("memory" if user_id in self._kept else "nowhere").inc()
        return self._kept.get(user_id) or Profile(user_id)
