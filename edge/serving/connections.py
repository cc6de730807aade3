"""Every open connection: how many there may be, how long one may idle, dawdle or stall, and how all end.

One timer looks at a slice of them ten times a second; no connection has a timer of its own.
"""

import asyncio
import contextlib
import logging
import random
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from aiohttp import web

from edge import metrics
from edge.serving.answers import HotAnswer
from edge.serving.doorway import Doorway
from edge.serving.fastpath import FastPath
from edge.serving.hot import HotTable
from edge.serving.misses import Miss
from edge.serving.outbox import Room
from edge.serving.slowpath import SlowPath
from edge.tls.transport import TlsTransport
from shared.config import setting

log = logging.getLogger(__name__)

TICK_S = 0.1
N_SLICES = 10
"""Every connection is looked at once in so many ticks."""
MIN_SLICE, MAX_SLICE = 64, 1000
"""So that a tick takes less than a millisecond; beyond 10,000 connections a round takes longer."""
LOGGED_CHARS = 200


class Closed(StrEnum):
    """Why the edge ended a connection."""

    HANDSHAKE = "handshake"
    """TLS took too long to begin."""
    IDLE = "idle"
    UNREAD = "unread"
    """The viewer took no byte of its answer for too long."""
    FULL = "full"
    ADDRESS_FULL = "address_full"
    """Too many connections of one address."""
    DRAIN = "drain"
    """Still at work when the time to stop was over."""


@dataclass(frozen=True)
class ConnectionLimits:
    """What connections may do."""

    n_connections: int = setting(100_000, "open at a time", low=1)
    n_per_address: int = setting(4096, "of one address; 0: as many as there are", low=0)
    handshake_s: float = setting(10.0, "for a TLS handshake", unit="s", low=0.1, high=300)
    drain_s: float = setting(5.0, "for answers under way at a stop", unit="s", low=0.0, high=300)
    log_share: float = setting(0.001, "of the requests in the access log", low=0.0, high=1.0)


class Address:
    """Where connections come from, and how many are open from there; one object for all of them."""

    __slots__ = ("n_open", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.n_open = 0


class Hub:
    """What the connections of one listener share. Open it in the running loop, and `close` it there."""

    def __init__(
        self, table: HotTable, doorway: Doorway, limits: ConnectionLimits, rng: random.Random
    ) -> None:
        self.table = table
        self.limits = limits
        self._doorway = self.requests = doorway
        """Counts the requests that are answered here, too."""
        loop = asyncio.get_running_loop()
        self.room = Room(loop)
        self._loop = loop
        self._rng = rng
        self._connections: dict[FastPath, None] = {}
        """In the order they came; a set of as many takes twice the room."""
        self._addresses: dict[str, Address] = {}
        self._todo: list[FastPath] = []
        self._last_seen = 0
        """A digest of progress, one number for all that are equally far: most have been idle for as long."""
        self._is_empty = asyncio.Event()
        self._timer = loop.call_later(TICK_S, self._tick)

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def connections(self) -> list[FastPath]:
        """Those that are open."""
        return list(self._connections)

    def slow_path(self, connection: FastPath) -> SlowPath:
        """The aiohttp handler for a connection."""
        return self._doorway.made(partial(SlowPath, connection, self))

    def descriptor(self, transport: asyncio.Transport) -> int:
        """Where a connection's bytes may be written directly; -1: nowhere."""
        link = None if isinstance(transport, TlsTransport) else transport.get_extra_info("socket")
        return -1 if link is None else int(link.fileno())

    def enter(self, connection: FastPath) -> None:
        """Take a connection in, or close it for what is too many."""
        transport, limits = connection.transport, self.limits
        assert transport is not None
        if len(self._connections) >= limits.n_connections:
            self._cut(transport, Closed.FULL)
            return
        peer = transport.get_extra_info("peername") if limits.n_per_address else None
        if isinstance(peer, tuple):
            address = self._addresses.get(peer[0])
            if address is None:
                address = self._addresses[peer[0]] = Address(peer[0])
            if address.n_open >= limits.n_per_address:
                self._cut(transport, Closed.ADDRESS_FULL)
                return
            address.n_open += 1
            connection.address = address
        self._connections[connection] = None
        self._is_empty.clear()
        connection.logs_at = self._next_logged()

    def leave(self, connection: FastPath) -> None:
        """Forget a connection that is lost."""
        self._connections.pop(connection, None)
        address, connection.address = connection.address, None
        if address is not None:
            address.n_open -= 1
            if address.n_open == 0:
                del self._addresses[address.name]
        if not self._connections:
            self._is_empty.set()

    def log_hit(self, connection: FastPath, answer: HotAnswer) -> None:
        """One line of the access log, and which answer of the connection has the next."""
        connection.logs_at = connection.n_answered + self._next_logged()
        path = str(answer.hot.entry.meta.primary)[:LOGGED_CHARS]
        told = {"method": "GET", "path": path, "status": answer.status, "bytes": answer.size}
        log.info("request", extra=told | {"is_hot": True})

    def log_miss(self, connection: FastPath, miss: Miss) -> None:
        """The same of an answer that a fill brought."""
        connection.logs_at = connection.n_answered + self._next_logged()
        told = {"method": "GET", "path": miss.path[:LOGGED_CHARS], "status": 200, "bytes": miss.n_sent}
        log.info("request", extra=told | {"is_hot": False})

    def log_request(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """A share of the requests on the ordinary path."""
        if self._rng.random() < self.limits.log_share:
            path, size = request.raw_path[:LOGGED_CHARS], response.body_length
            told = {"method": request.method, "path": path, "status": response.status, "bytes": size}
            log.info("request", extra=told | {"is_hot": False})

    def _next_logged(self) -> int:
        share = self.limits.log_share
        return self._rng.randrange(1, max(2, int(2 / share))) if share > 0 else 0

    def end(self) -> None:
        """Close whoever is at rest, and the others on the fast path as soon as they are."""
        for connection in list(self._connections):
            transport, slow = connection.transport, connection.slow
            if transport is None:
                continue
            if transport.get_protocol() is connection:
                connection.end()
            elif slow is not None and slow.is_waiting and not slow.is_inside_request:
                transport.close()

    async def drained(self, grace_s: float) -> None:
        """Wait until the answers under way are out, for at most grace_s."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                if self._connections:
                    await self._is_empty.wait()

    def close(self) -> None:
        """Cut the connections that are left; stop the timer and the poll."""
        for connection in list(self._connections):
            if connection.transport is not None:
                self._cut(connection.transport, Closed.DRAIN)
        self._timer.cancel()
        self.room.close()
        self.table.fold()

    def _tick(self) -> None:
        self._timer = self._loop.call_later(TICK_S, self._tick)
        self.table.fold()
        metrics.CONNECTIONS.set(len(self._connections))
        if not self._todo:
            self._todo = list(self._connections)
        n_now = min(MAX_SLICE, max(MIN_SLICE, len(self._connections) // N_SLICES))
        now_s = self._loop.time()
        for connection in self._todo[-n_now:]:
            if connection.transport is not None:
                self._look_at(connection, connection.transport, now_s)
        del self._todo[-n_now:]

    def _look_at(self, connection: FastPath, transport: asyncio.Transport, now_s: float) -> None:
        reason, *_ = state = self._state(connection, transport)
        seen = hash(state)
        if seen != connection.seen:
            if seen != self._last_seen:
                self._last_seen = seen
            connection.seen, connection.seen_s = self._last_seen, now_s
        elif reason is not None and now_s - connection.seen_s >= self._limit_s(reason):
            self._cut(transport, reason)
        elif reason is Closed.UNREAD:
            connection.go_on()

    def _state(
        self, connection: FastPath, transport: asyncio.Transport
    ) -> tuple[Closed | None, int, int, int]:
        """What the connection would be closed for if it made no progress, and how far it is."""
        if isinstance(transport, TlsTransport) and transport.is_handshaking:
            return Closed.HANDSHAKE, 0, 0, 0
        n_buffered, slow = transport.get_write_buffer_size(), connection.slow
        if slow is None or transport.get_protocol() is connection:
            if connection.miss is not None and n_buffered == 0:
                return None, connection.n_answered, connection.n_sent, 0  # it is the origin that is slow
            is_writing = connection.is_busy or n_buffered > 0
            reason = Closed.UNREAD if is_writing else Closed.IDLE
            return reason, connection.n_answered, connection.n_sent, n_buffered
        # The doorway sees to heads, bodies and answers of the ordinary path.
        is_idle = slow.is_waiting and n_buffered == 0
        return (Closed.IDLE if is_idle else None), slow.n_requests, 0, 0

    def _limit_s(self, reason: Closed) -> float:
        limits = self._doorway.limits
        if reason is Closed.HANDSHAKE:
            return self.limits.handshake_s
        return limits.idle_s if reason is Closed.IDLE else limits.unread_s

    def _cut(self, transport: asyncio.Transport, reason: Closed) -> None:
        metrics.CONNECTIONS_CLOSED.labels(reason).inc()
        if reason is Closed.IDLE:
            transport.close()
        else:
            transport.abort()
