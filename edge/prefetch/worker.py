"""Runs the plans of all sessions through the media cache: the most urgent first, as many as the path carries.

A new plan of a session takes the place of its former one, so a swipe drops what is no longer wanted. What no
session's plan names any more is not warmed on, either; its fill goes on for whoever else reads it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from edge import metrics
from edge.prefetch.backlog import Backlog, Taken
from edge.prefetch.budget import TokenBucket
from edge.prefetch.pins import PINNED_URGENCY, Pins, distances
from edge.prefetch.planner import PlanRules
from edge.prefetch.warming import PlanLimits, Step, Urgency
from shared.clock import Clock
from shared.config import setting
from shared.errors import ServiceError

FAILED = "failed"
"""`Warmed.source` when the origin gave no complete answer."""
NOT_ASKED = ("memory", "disk")
MAX_WAIT_S = 1.0
"""Longest sleep for the budget before the most urgent step is looked for again."""


@dataclass(frozen=True)
class PrefetchLimits:
    """What prefetch may cost."""

    n_concurrent: int = setting(32, "objects warmed at once", low=1, high=256)
    ahead_share: float = setting(
        0.5, "part of what is warmed at once for what no player was told to fetch yet", low=0.0, high=1.0
    )
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


class Ways(NamedTuple):
    """To the media cache, each by an object's path."""

    warm: Callable[[str], Awaitable[Warmed]]
    is_in_memory: Callable[[str], bool]
    is_cached: Callable[[str], bool]
    """In RAM or on disk: no origin is needed for it."""
    arrived_bytes: Callable[[str], int]
    """Of what is under way."""


@dataclass
class Running:
    """One warming under way, and the sessions that it is for."""

    step: Step
    sessions: set[str]
    task: asyncio.Task[None] | None = None
    paid_bytes: int = 0
    """Taken from the budget."""


class PrefetchWorker:
    """Warms what the sessions will ask for. At most n_concurrent fills, max_steps waiting."""

    def __init__(self, ways: Ways, limits: PrefetchLimits, clock: Clock, *, pins: Pins | None = None) -> None:
        self._ways = ways
        self.is_cached = ways.is_cached
        self.is_origin_away = False
        """The last thing asked of the origin did not come."""
        self._failed_s = float("-inf")
        self._limits = limits
        self._clock = clock
        self._pins = pins
        self._backlog = Backlog(limits.max_steps)
        self.budget = TokenBucket(limits.rate_bytes_s, limits.burst_bytes, clock.monotonic())
        self._running: dict[str, Running] = {}
        self._held_back: dict[str, tuple[str, list[Step]]] = {}
        """By session: the opening on its screen that is still to come, and what waits for that."""
        self._wake = asyncio.Event()

    def submit(self, session: str, steps: list[Step], *, screen: str = "") -> None:
        """Take a session's plan; an empty one only drops the former.

        `screen`: the folder whose objects go on if they run: the viewer asks for them now.
        """
        if self._pins is not None:
            self._pins.replace(session, distances(steps))
        is_there = self._ways.is_in_memory
        cold = [step for step in steps if step.urgency is not Urgency.HELD and not is_there(step.path)]
        self._held_back.pop(session, None)
        n_stale = self._replace(session, cold)
        metrics.PREFETCH_STEPS.labels("stale").inc(n_stale)
        named = {step.path for step in cold}
        for path, running in list(self._running.items()):
            if path in named:
                running.sessions.add(session)
            elif not (screen and path.startswith(screen)):
                self._leave(path, running, session)
        if cold:
            self._wake.set()

    def _replace(self, session: str, cold: list[Step]) -> int:
        """What is on screen first and alone, if there is room for it."""
        now_s = self._clock.monotonic()
        is_first = bool(cold) and cold[0].urgency is Urgency.SCREEN
        n_stale = self._backlog.replace(session, cold[:1] if is_first else cold, now_s)
        if is_first and self._backlog.has(session, cold[0].path):
            self._held_back[session] = cold[0].path, cold[1:]
        elif is_first:
            self._backlog.replace(session, cold[1:], now_s)
        return n_stale

    def _release(self, session: str, path: str) -> None:
        """What is on screen is there, or will not come: the rest of the session's plan may."""
        if self._held_back.get(session, ("",))[0] == path:
            self._backlog.replace(session, self._held_back.pop(session)[1], self._clock.monotonic())
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
        self.budget.give_back(max(0, running.paid_bytes - self._ways.arrived_bytes(path)))
        metrics.PREFETCH_STEPS.labels("cut").inc()
        del self._running[path]
        self._wake.set()
        if running.task is not None:
            running.task.cancel()

    @property
    def n_held_back(self) -> int:
        """Sessions whose plan waits for the opening on their screen."""
        return len(self._held_back)

    def yield_to(self, n_bytes: int) -> None:
        """Live traffic took so much from the origin: prefetch has that much less."""
        self.budget.spend(n_bytes, self._clock.monotonic())

    async def run_forever(self) -> None:
        """Warm what is planned until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                while (taken := self._next()) is not None:
                    running = Running(taken.step, {taken.session})
                    self._running[taken.step.path] = running
                    running.task = group.create_task(self._run(running))
                self._wake.clear()
                await self._wake.wait()

    def _next(self) -> Taken | None:
        """What is to be fetched now."""
        while (least := self._least()) is not None and (taken := self._backlog.take(least)) is not None:
            step, session = taken
            running = self._running.get(step.path)
            if running is not None:
                running.sessions.add(session)
            elif not self._ways.is_in_memory(step.path):
                return taken
            else:
                self._release(session, step.path)
            metrics.PREFETCH_STEPS.labels("there_already").inc()
        return None

    def _least(self) -> Urgency | None:
        """What may be taken now: the reserve one by one, when nothing else is under way."""
        running = [one.step.urgency for one in self._running.values()]
        if not running:
            return Urgency.RESERVE
        if len(running) >= self._limits.n_concurrent:
            return None
        n_ahead = sum(urgency > Urgency.PLANNED for urgency in running)
        if n_ahead >= self._limits.n_concurrent * self._limits.ahead_share:
            return Urgency.PLANNED
        n_spare = sum(urgency > PINNED_URGENCY for urgency in running)
        return Urgency.CHUNK if n_spare < self._limits.n_spare else PINNED_URGENCY

    async def _run(self, running: Running) -> None:
        step = running.step
        try:
            wait_s = self.budget.take(step.size_bytes, self._clock.monotonic())
            while wait_s:
                await asyncio.sleep(min(wait_s, MAX_WAIT_S))
                wait_s = self.budget.take(step.size_bytes, self._clock.monotonic())
            running.paid_bytes = step.size_bytes
            asked_s = self._clock.monotonic()
            result = await self._ways.warm(step.path)
            metrics.PREFETCH_STEPS.labels(result.source).inc()
            if self._running.get(step.path) is running:  # what was cut says nothing of the origin
                self._judge(result, step, asked_s)
        except ServiceError as exc:
            metrics.PREFETCH_STEPS.labels(exc.code).inc()
        finally:
            if self._running.get(step.path) is running:
                del self._running[step.path]
                for session in running.sessions:
                    self._release(session, step.path)
                self._wake.set()

    def _judge(self, result: Warmed, step: Step, asked_s: float) -> None:
        """What came late, asked for before the latest failure, does not say that the origin is back."""
        if result.source == FAILED:
            self.is_origin_away, self._failed_s = True, self._clock.monotonic()
        elif result.source in NOT_ASKED:
            self.budget.give_back(step.size_bytes)
        elif asked_s >= self._failed_s:
            self.is_origin_away = False
