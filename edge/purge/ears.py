"""The two logs that a node follows: purge orders, and the catalogue for what is withdrawn.

While one of them is still to be replayed the node is not ready and its cache is held: a request waits rather
than get what was purged meanwhile. A log that cannot be reached holds nobody: the scroll goes on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum

from edge.cache.tiered import TieredCache
from edge.purge.desk import BusDesk
from edge.purge.node import Purges
from shared.clock import Clock
from shared.core_nats import guarded
from shared.errors import ServiceError
from shared.messages.catalog import CatalogEvent
from shared.messages.purge import PurgeOrder
from shared.resume import Place, Resume
from shared.subjects import CATALOG, PURGE

log = logging.getLogger(__name__)


class State(StrEnum):
    """How a node stands to a log."""

    STARTING = "not read yet"
    BEHIND = "being replayed"
    CURRENT = "current"
    AWAY = "out of reach"


SETTLED = frozenset({State.CURRENT, State.AWAY})


class Replays:
    """The state of each followed log; the cache is held until all are settled."""

    def __init__(self, cache: TieredCache, limit_s: float) -> None:
        self._cache = cache
        self._limit_s = limit_s
        self.states = {PURGE.name: State.STARTING, CATALOG.name: State.STARTING}
        self._settled = asyncio.Event()
        self._judge()

    def set(self, stream: str, state: State) -> None:
        """A log's state changes."""
        self.states[stream] = state
        self._judge()

    def check(self) -> str | None:
        """Readiness: which logs are still to be replayed."""
        waiting = [f"{name} is {state}" for name, state in self.states.items() if state not in SETTLED]
        return ", ".join(waiting) or None

    async def settled(self, limit_s: float) -> None:
        """Return when nothing is to be replayed any more, or the time is over."""
        try:
            async with asyncio.timeout(limit_s):
                await self._settled.wait()
        except TimeoutError:
            log.warning("replay_takes_long", extra={"states": dict(self.states)})

    def _judge(self) -> None:
        if self.check() is None:
            self._settled.set()
            self._cache.gate.open()
        else:
            self._settled.clear()
            self._cache.gate.close(self._limit_s)


class _Ear:
    """What both followers have in common: the place, kept with what it stands for."""

    stream = ""

    def __init__(self, purges: Purges, replays: Replays) -> None:
        self._purges = purges
        self._replays = replays

    @property
    def place(self) -> Place | None:
        """The last message that was applied."""
        return self._purges.places.get(self.stream)

    async def lost(self, why: Resume, place: Place) -> None:
        """Empty the cache: it may hold what was purged in the part that is missing."""
        self._replays.set(self.stream, State.BEHIND)
        await self._purges.everything(f"{self.stream} {why}")
        self._purges.places[self.stream] = place
        await self._purges.keep()

    def behind(self, n_messages: int) -> None:
        """Not ready until these are applied."""
        log.info("log_replayed", extra={"stream": self.stream, "messages": n_messages})
        self._replays.set(self.stream, State.BEHIND)

    def current(self) -> None:
        """Nothing is missing."""
        self._replays.set(self.stream, State.CURRENT)

    def away(self) -> None:
        """Serve what there is."""
        self._replays.set(self.stream, State.AWAY)


class OrderEar(_Ear):
    """Applies every order in the log, then tells its issuer."""

    stream = PURGE.name

    def __init__(self, purges: Purges, replays: Replays, desk: BusDesk, clock: Clock) -> None:
        super().__init__(purges, replays)
        self._desk = desk
        self._clock = clock

    async def take(self, messages: Sequence[tuple[PurgeOrder | None, Place]]) -> None:
        """Apply all, keep the place once, then send the receipts."""
        done = []
        for order, place in messages:
            began = self._clock.monotonic()
            n_objects = None if order is None else await guarded("purge", self._purges.apply(order))
            if order is None or isinstance(n_objects, ServiceError):
                # From a version to come, or one that we fail at: whatever it names, it is not here any more.
                await self._purges.everything("order not understood")
            elif n_objects is not None:
                done.append((order, place.seq, n_objects, (self._clock.monotonic() - began) * 1000))
            self._purges.places[self.stream] = place
        await self._purges.keep()
        for order, revision, n_objects, took_ms in done:
            await self._desk.tell(order, revision, n_objects, took_ms)


class CatalogEar(_Ear):
    """Hears of withdrawals that happened while this node was away, from NATS alone."""

    stream = CATALOG.name

    def __init__(
        self, purges: Purges, replays: Replays, hear: Callable[[CatalogEvent], Awaitable[None]]
    ) -> None:
        super().__init__(purges, replays)
        self._hear = hear

    async def take(self, messages: Sequence[tuple[CatalogEvent | None, Place]]) -> None:
        """Hear all, then keep the place; what cannot be read is found in the origin's own log."""
        for event, place in messages:
            if event is not None:
                await guarded("withdrawal", self._hear(event))
            self._purges.places[self.stream] = place
        await self._purges.keep()
