"""Listening sockets, TCP or Unix, plain or TLS, in front of the fast path; and how serving stops.

`open` and `close` belong to one event loop. The aiohttp server behind it may be a bare `web.Server` or an
application's: whatever the fast path does not answer goes there.
"""

import asyncio
import contextlib
import random
import socket
import ssl
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from edge.serving.connections import ConnectionLimits, Hub
from edge.serving.doorway import Doorway
from edge.serving.fastpath import FastPath
from edge.serving.hot import HotTable
from edge.tls.acceptor import TlsAcceptor, server_context
from shared.config import setting
from shared.web import naming, split_address

UNIX = "unix:"


@dataclass(frozen=True)
class ListenSettings:
    """How the edge listens."""

    backlog: int = setting(4096, "connections that wait to be accepted", low=1, high=65_535)
    reuse_port: bool = setting(False, "share the port with other processes (SO_REUSEPORT)")
    send_buffer_bytes: int = setting(
        0,
        "SO_SNDBUF; 0: the system's own sizing. It caps bytes in flight: too little starves long paths",
        unit="bytes",
        low=0,
        high=64 * 1024 * 1024,
    )
    unsent_bytes: int = setting(
        64 * 1024,
        "TCP_NOTSENT_LOWAT: what of an answer the kernel holds beyond what is in flight; 0: all it can",
        unit="bytes",
        low=0,
        high=64 * 1024 * 1024,
    )
    tls_cert: str = setting("", "PEM file with the certificate chain; empty: no TLS")
    tls_key: str = setting("", "PEM file with its key")


class Listener:
    """One listening socket, and every connection that came through it."""

    def __init__(
        self,
        runner: web.BaseRunner,
        doorway: Callable[[web.Server], Doorway],
        table: HotTable,
        settings: ListenSettings | None = None,
        limits: ConnectionLimits | None = None,
    ) -> None:
        self._runner = runner
        self._make_doorway = doorway
        self._doorway: Doorway | None = None
        self._table = table
        self._settings = settings or ListenSettings()
        self._limits = limits or ConnectionLimits()
        self._hub: Hub | None = None
        self._acceptors: list[asyncio.Server | TlsAcceptor] = []
        self._unix: Path | None = None

    @property
    def n_connections(self) -> int:
        """Open now."""
        return 0 if self._hub is None else len(self._hub)

    @property
    def connections(self) -> list[FastPath]:
        """Those that are open."""
        return [] if self._hub is None else self._hub.connections

    async def open(self, listen: str, inherited: Sequence[socket.socket] = ()) -> str:
        """Listen on `host:port` (port 0: a free one) or `unix:/path`; returns the URL. `inherited` sockets
        listen already, and are taken instead; it is the first one's. Raises OSError, ConfigError.
        """
        told = self._settings
        context = server_context(told.tls_cert, told.tls_key) if told.tls_cert or told.tls_key else None
        await self._runner.setup()
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(self._runner.cleanup)
            links = list(inherited) or [await self._socket(listen)]
            for link in inherited:
                self._tune(link)
            hub = self._begin()
            for link in links:
                self._acceptors.append(await self._accept(hub, link, context))
            undo.pop_all()
        if self._unix is not None:
            return listen
        host, port = links[0].getsockname()[:2]
        return f"{'https' if context else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"

    async def close(self, grace_s: float | None = None, linger_s: float = 0.0) -> None:
        """Take no more connections, close those at rest, let answers under way end, then cut the rest.

        For `linger_s` before that, who asks again is answered and told that it was the last time.
        """
        acceptors, hub, doorway = self._acceptors, self._hub, self._doorway
        self._acceptors, self._hub = [], None
        if hub is None or doorway is None:
            return
        for acceptor in acceptors:
            acceptor.close()
        if self._unix is not None:
            self._unix.unlink(missing_ok=True)
        await asyncio.sleep(0)
        server = self._runner.server
        try:
            if linger_s:
                doorway.says_goodbye = True
                self._table.turn_off()
                await hub.drained(linger_s)
            hub.end()
            if server is not None:
                server.pre_shutdown()
            await self._runner.shutdown()
            await hub.drained(self._limits.drain_s if grace_s is None else grace_s)
        finally:
            hub.close()
            await self._runner.cleanup()
            doorway.close()

    def _begin(self) -> Hub:
        server = self._runner.server
        assert server is not None
        doorway = self._doorway = self._make_doorway(server)
        self._table.restrict(doorway.limits)
        hub = self._hub = Hub(self._table, doorway, self._limits, random.Random())
        return hub

    async def _accept(
        self, hub: Hub, link: socket.socket, context: ssl.SSLContext | None
    ) -> asyncio.Server | TlsAcceptor:
        loop, backlog = asyncio.get_running_loop(), self._settings.backlog
        if link.family == socket.AF_UNIX:
            return await loop.create_unix_server(lambda: FastPath(hub), sock=link, backlog=backlog)
        if context is not None:
            return TlsAcceptor(link, context, lambda: FastPath(hub))
        return await loop.create_server(lambda: FastPath(hub), sock=link, backlog=backlog)

    async def _socket(self, listen: str) -> socket.socket:
        with naming(listen), contextlib.ExitStack() as undo:
            link, address = await self._unbound(listen)
            undo.callback(link.close)
            self._set_up(link)
            link.bind(address)
            link.listen(self._settings.backlog)
            link.setblocking(False)
            undo.pop_all()
        return link

    async def _unbound(self, listen: str) -> tuple[socket.socket, Any]:
        """A socket, and the address that it is for."""
        if listen.startswith(UNIX):
            self._unix = Path(listen.removeprefix(UNIX))
            with contextlib.suppress(FileNotFoundError):
                if stat.S_ISSOCK(self._unix.stat().st_mode):
                    self._unix.unlink()  # of a process that was killed
            return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), str(self._unix)
        host, port = split_address(listen)
        family, kind, _, _, address = (
            await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )[0]
        return socket.socket(family, kind), address

    def _set_up(self, link: socket.socket) -> None:
        """Before it is bound."""
        if link.family != socket.AF_UNIX:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self._settings.reuse_port:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._tune(link)

    def _tune(self, link: socket.socket) -> None:
        """Options that accepted sockets inherit."""
        if link.family != socket.AF_UNIX:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._settings.unsent_bytes:
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, self._settings.unsent_bytes)
        if self._settings.send_buffer_bytes:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._settings.send_buffer_bytes)
