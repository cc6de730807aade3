"""Asks the brain for the retention curves of the videos that sessions hold, in the background.

What changes later is told by the brain; while it is away the table's priors stand in.
"""

import asyncio
from collections.abc import Iterable

from edge.bus import MAX_CURVES, BrainLimits, EdgeBus
from edge.session.retention import RetentionTable
from shared.errors import ServiceError
from shared.messages.retention import Retention

PAUSE_S = 1.0
"""After the brain did not answer."""


class Curves:
    """The table, and which videos are to be asked for; no more of these than the table holds."""

    def __init__(self, bus: EdgeBus, limits: BrainLimits) -> None:
        self.table = RetentionTable(limits.max_curves)
        self._bus = bus
        self._limit = limits.max_curves
        self._wanted: dict[str, None] = {}
        self._wake = asyncio.Event()

    def want(self, video_ids: Iterable[str]) -> None:
        """Ask for those that are missing."""
        for video_id in self.table.missing(video_ids):
            if len(self._wanted) < self._limit:
                self._wanted[video_id] = None
        if self._wanted:
            self._wake.set()

    def ask_again(self, video_ids: Iterable[str]) -> None:
        """Something may have been missed: ask for these now, for others as queues bring them."""
        self.table.doubt()
        self.want(video_ids)

    async def hear(self, told: Retention) -> None:
        """The brain tells what changed."""
        self.table.take(told)

    async def ask_forever(self) -> None:
        """Ask for what is wanted and put it into the table."""
        while True:
            batch = list(self._wanted)[:MAX_CURVES]
            if not batch:
                self._wake.clear()
                await self._wake.wait()
                continue
            try:
                self.table.take(await self._bus.curves(batch), batch)
            except ServiceError:
                await asyncio.sleep(PAUSE_S)
                continue
            for video_id in batch:
                self._wanted.pop(video_id, None)
