"""Runs the plans of all sessions through the media cache: a few at a time, the most urgent first.

A new plan of a session takes the place of its former one, so a swipe drops what is no longer wanted. What no
session's plan names any more is not warmed on, either; its fill goes on for whoever else reads it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from edge import metrics
from edge.prefetch.backlog import Backlog
from edge.prefetch.budget import TokenBucket
from edge.prefetch.pins import Pins
from edge.prefetch.planner import PlanRules
from edge.prefetch.warming import PlanLimits, Step, Urgency
from shared.clock import Clock
from shared.config import setting
from shared.errors import ServiceError

FAILED = "failed"
"""`Warmed.source` when the origin gave no complete answer."""
NOT_ASKED = ("memory", "disk")
PINNED_URGENCY = Urgency.PLAYLIST
"""A swipe that finds less than this in RAM waits: such steps are kept there, not only warmed."""
ON_SCREEN = (Urgency.PLANNED, 0)
"""Urgency and distance of the opening that a viewer waits for: nothing of theirs is to share its way."""
AHEAD_SHARE = 0.5
"""Of what is warmed at once, for what no player was told yet: what was is not to queue behind it."""
MAX_WAIT_S = 1.0
"""Longest sleep for the budget before the most urgent step is looked for again."""


@dataclass(frozen=True)
class PrefetchLimits:
    """What prefetch may cost."""

    n_concurrent: int = setting(32, "objects warmed at once", low=1, high=256)
    n_spare: int = setting(
        2, "of those, how many may be less urgent than openings and playlists", low=1, high=256
    )
    max_steps: int = setting(20_000, "steps that wait, over all sessions", low=1, high=1_000_000)
    rate_bytes_s: int = setting(
        50 * 1024**2, "what prefetch may take from the origin", unit="bytes/s", low=10_000
    )
    burst_bytes: int = setting(32 * 1024**2, "what it may take at once", unit="bytes", low=100_000)
    plan: PlanLimits = field(default_factory=PlanLimits)
    player: PlanRules = field(default_factory=PlanRules)


class Warmed(Protocol):
    """What became of a warming."""

    @property
    def source(self) -> str:
        """Where the bytes came from, or why there are none: an enum."""
        ...


@dataclass
class Running:
    """One warming under way, and the sessions that it is for."""

    urgency: Urgency
    sessions: set[str]
    scope: asyncio.Timeout


class PrefetchWorker:
    """Warms what the sessions will ask for. At most n_concurrent fills, max_steps waiting."""

    def __init__(
        self,
        warm: Callable[[str], Awaitable[Warmed]],
        is_in_memory: Callable[[str], bool],
        is_cached: Callable[[str], bool],
        limits: PrefetchLimits,
        clock: Clock,
        *,
        pins: Pins | None = None,
    ) -> None:
        self._warm = warm
        self._is_in_memory = is_in_memory
        self.is_cached = is_cached
        """In RAM or on disk: no origin is needed for it."""
        self.is_origin_away = False
        """The last thing asked of the origin did not come."""
        self._failed_s = float("-inf")
        self._limits = limits
        self._clock = clock
        self._pins = pins
        self._backlog = Backlog(limits.max_steps)
        self.budget = TokenBucket(limits.rate_bytes_s, limits.burst_bytes, clock.monotonic())
        self._running: dict[str, Running] = {}
        self._held_back: dict[str, tuple[Step, list[Step]]] = {}
        """By session: the opening on its screen that is still to come, and what waits for that."""
        self._wake = asyncio.Event()

    def submit(self, session: str, steps: list[Step], *, screen: str = "") -> None:
        """Take a session's plan; an empty one only drops the former.

        `screen`: the folder whose objects go on if they run: the viewer asks for them now.
        """
        if self._pins is not None:
            needed = {step.path: step.distance for step in steps if step.urgency <= PINNED_URGENCY}
            self._pins.replace(session, needed)
        cold = [step for step in steps if not self._is_in_memory(step.path)]
        self._held_back.pop(session, None)
        if cold and cold[0][:2] == ON_SCREEN:
            self._held_back[session] = cold[0], cold[1:]
        n_stale = self._backlog.replace(session, cold[:1] if session in self._held_back else cold)
        metrics.PREFETCH_STEPS.labels("stale").inc(n_stale)
        named = {step.path for step in cold}
        for path, running in list(self._running.items()):
            if path in named:
                running.sessions.add(session)
            elif not (screen and path.startswith(screen)):
                self._leave(path, running, session)
        if cold:
            self._wake.set()

    def _release(self, session: str, step: Step) -> None:
        """What is on screen is there, or will not come: the rest of the session's plan may."""
        if self._held_back.get(session, (None,))[0] == step:
            self._backlog.replace(session, self._held_back.pop(session)[1])
            self._wake.set()

    def _leave(self, path: str, running: Running, session: str) -> None:
        """Not for this session any more: what is for none ends."""
        running.sessions.discard(session)
        if not running.sessions and not self._backlog.names(path):
            self._cut(path, running)

    def hung_up(self, path: str) -> bool:
        """A viewer left an object before its end: a swipe, whose new plan is on its way. True: it was warmed
        for one session alone, and that is over."""
        running = self._running.get(path)
        if running is None or len(running.sessions) > 1 or self._backlog.names(path):
            return False
        self._cut(path, running)
        return True

    def _cut(self, path: str, running: Running) -> None:
        del self._running[path]
        running.scope.reschedule(asyncio.get_running_loop().time())

    def yield_to(self, n_bytes: int) -> None:
        """Live traffic took so much from the origin: prefetch has that much less."""
        self.budget.spend(n_bytes, self._clock.monotonic())

    async def run_forever(self) -> None:
        """Warm what is planned until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._limits.n_concurrent):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            taken = self._backlog.take(self._least())
            if taken is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            step, session = taken
            if (running := self._running.get(step.path)) is not None:
                running.sessions.add(session)
                metrics.PREFETCH_STEPS.labels("there_already").inc()
            elif self._is_in_memory(step.path):
                metrics.PREFETCH_STEPS.labels("there_already").inc()
            else:
                await self._run(step, session)
            self._release(session, step)

    def _least(self) -> Urgency:
        """What may be taken now: the reserve one by one, when nothing else is under way."""
        if not self._running:
            return Urgency.RESERVE
        running = self._running.values()
        n_ahead = sum(one.urgency > Urgency.PLANNED for one in running)
        if n_ahead >= self._limits.n_concurrent * AHEAD_SHARE:
            return Urgency.PLANNED
        n_spare = sum(one.urgency > PINNED_URGENCY for one in running)
        return Urgency.CHUNK if n_spare < self._limits.n_spare else PINNED_URGENCY

    async def _run(self, step: Step, session: str) -> None:
        try:
            async with asyncio.timeout(None) as scope:
                running = Running(step.urgency, {session}, scope)
                self._running[step.path] = running
                try:
                    await self._fetch(step, running)
                finally:
                    if self._running.get(step.path) is running:
                        del self._running[step.path]
        except TimeoutError:
            if not scope.expired():
                raise
            metrics.PREFETCH_STEPS.labels("cut").inc()

    async def _fetch(self, step: Step, running: Running) -> None:
        try:
            wait_s = self.budget.take(step.size_bytes, self._clock.monotonic())
            while wait_s:
                await asyncio.sleep(min(wait_s, MAX_WAIT_S))
                wait_s = self.budget.take(step.size_bytes, self._clock.monotonic())
            asked_s = self._clock.monotonic()
            result = await self._warm(step.path)
            metrics.PREFETCH_STEPS.labels(result.source).inc()
            if self._running.get(step.path) is running:  # what was cut says nothing of the origin
                self._judge(result.source, asked_s)
        except ServiceError as exc:
            metrics.PREFETCH_STEPS.labels(exc.code).inc()

    def _judge(self, source: str, asked_s: float) -> None:
        """What came late, asked for before the latest failure, does not say that the origin is back."""
        if source == FAILED:
            self.is_origin_away, self._failed_s = True, self._clock.monotonic()
        elif source not in NOT_ASKED and asked_s >= self._failed_s:
            self.is_origin_away = False
