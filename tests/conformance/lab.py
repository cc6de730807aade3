"""One origin, one standalone edge and one client, under a clock that only the test moves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from email.utils import formatdate
from itertools import count

from edge.cache.settings import CacheLimits
from tests.conformance.wire import Answer, Asked, RawOrigin, Told, exchange, rendered
from tests.edge_cache_builders import FakeClock
from tests.origins import PLAIN, running_edge

PATIENT = replace(PLAIN, stale_wait_min_s=PLAIN.stale_wait_s)
"""A slow machine is no slow origin."""


@dataclass
class Lab:
    """What a conformance test has at hand. Every test asks for paths of its own."""

    origin: RawOrigin
    clock: FakeClock
    edge_url: str
    paths: "count[int]"

    def tell(self, *replies: Told) -> str:
        """A new path, which the origin answers with these, one after the other."""
        path = f"/{next(self.paths)}"
        self.origin.replies[path] = list(replies)
        return path

    async def ask(
        self,
        path: str,
        *fields: tuple[str, str],
        method: str = "GET",
        body: bytes = b"",
        version: str = "1.1",
    ) -> Answer:
        """The edge's answer."""
        return await exchange(self.edge_url, rendered(method, path, list(fields), body, version))

    def n_seen(self, path: str) -> int:
        """How often the origin was asked for it."""
        return self.origin.n_seen(path)

    def last(self, path: str) -> Asked:
        """The latest request for a path that reached the origin."""
        return next(asked for asked in reversed(self.origin.seen) if asked.target == path)

    def date(self, offset_s: float = 0) -> str:
        """The time of the test's clock, moved by so much, as an HTTP-date."""
        return formatdate(self.clock.wall_ms() / 1000 + offset_s, usegmt=True)

    async def is_reused(self, first: Told, *fields: tuple[str, str], after_s: float = 0) -> bool:
        """Whether a second request like the first is answered without the origin, after so much time."""
        path = self.tell(first)
        await self.ask(path, *fields)
        self.clock.advance(after_s)
        await self.ask(path, *fields)
        return self.n_seen(path) == 1


@asynccontextmanager
async def opened(limits: CacheLimits = PATIENT) -> AsyncIterator[Lab]:
    """A lab with an edge that has these limits."""
    clock = FakeClock()
    async with RawOrigin(clock) as origin, running_edge(origin.url, limits=limits, clock=clock) as edge:
        yield Lab(origin, clock, edge.client.url, count(1))
