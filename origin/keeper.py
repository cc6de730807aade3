"""The API's background rounds: readiness, leftovers of uploads, counts to announce, markers to forget.

Each round is bounded in work and raises only what the supervisor may restart.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from origin import metrics
from origin.catalog.social import Social
from origin.catalog.videos import Videos
from origin.uploads.intake import Intake
from shared.clock import Clock
from shared.errors import ServiceError, Unavailable

log = logging.getLogger(__name__)

CHECK_EVERY_S = 5.0
CHECK_LIMIT_S = 3.0
COUNTS_PER_ROUND = 50
MARKERS_KEPT_MS = 31 * 86_400_000
"""A day longer than stream EVENTS keeps an event, so that a redelivered one is still known."""
FORGET_EVERY_S = 3600.0


class Watch:
    """Whether what we cannot serve without answers; asked in the background, told at once."""

    def __init__(self, check: Callable[[], Awaitable[None]]) -> None:
        self._check = check
        self._reason: str | None = "not asked yet"

    def reason(self) -> str | None:
        """None: it answers."""
        return self._reason

    async def ask(self) -> None:
        """Once, in a bounded time."""
        try:
            async with asyncio.timeout(CHECK_LIMIT_S):
                await self._check()
            self._reason = None
        except TimeoutError:
            self._reason = f"no answer within {CHECK_LIMIT_S:g} s"
        except ServiceError as error:
            self._reason = error.detail

    async def run(self) -> None:
        """For ever."""
        while True:
            await self.ask()
            await asyncio.sleep(CHECK_EVERY_S)


async def sweep_uploads(intake: Intake, every_s: float) -> None:
    """Finish or remove what uploads left behind, for ever."""
    await intake.begin()
    while True:
        await intake.resume()
        await intake.sweep()
        await asyncio.sleep(every_s)


async def announce_counts(social: Social, clock: Clock, every_s: float) -> None:
    """Tell changed counts, each video at most every `every_s`, for ever."""
    while True:
        now_ms = clock.wall_ms()
        n_told = await social.announce_counts(now_ms - int(every_s * 1000), COUNTS_PER_ROUND, now_ms)
        if n_told < COUNTS_PER_ROUND:
            await asyncio.sleep(every_s / 2)


async def forget_events(social: Social, clock: Clock) -> None:
    """Drop old markers, for ever."""
    while True:
        await social.forget_events(clock.wall_ms() - MARKERS_KEPT_MS)
        await asyncio.sleep(FORGET_EVERY_S)


async def order_lost_jobs(videos: Videos, clock: Clock) -> None:
    """Post the jobs of waiting videos again: the bus may have lost them. A duplicate does no harm."""
    try:
        n_jobs = await videos.order_again(clock.wall_ms())
    except Unavailable as error:
        log.warning("jobs_not_reordered", extra={"reason": error.detail})
        return
    metrics.JOBS_REORDERED.inc(n_jobs)
    log.info("jobs_reordered", extra={"jobs": n_jobs})
