"""Kept-alive connections to one server, for reads: what a session does around its protocol, and no more.

A session costs a fill a third of its processor time (URL, cookies, redirects, tracing); a read of an origin
needs none of it. The protocol and the parser are aiohttp's (`wire.py`), so both ways judge answers alike.
"""

import asyncio
import functools
import re
import ssl
from collections import deque
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from aiohttp import ClientConnectionError
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict, CIMultiDictProxy, MultiMapping

from edge.cache.settings import UpstreamLimits
from edge.upstream.inlet import Inlet
from edge.upstream.link import READ_BYTES, Content, LinkConnection, Message, Receiver
from edge.upstream.pipes import Pipes
from edge.upstream.plainhead import PlainHead
from edge.upstream.slots import Slots
from edge.upstream.wire import InformedOf

T = TypeVar("T")

IDLE_S = 15.0
"""A connection that rested for longer is not trusted: the server may be closing it."""
SWEEP_S = 0.05
"""Between two looks at who has waited too long."""
_NOT_IN_TARGET = re.compile(r"[\x00-\x20\x7f]")
_NOT_IN_FIELD = re.compile(r"[\x00\r\n]")


class ConnectTimeout(Exception):
    """No connection, or no free one, in time."""


class NoConnection(Exception):
    """Nobody takes connections there."""


class NotHttp(Exception):
    """The server's answer cannot be read."""


def request_head(method: str, target: str, host: str, fields: MultiMapping[str]) -> bytes:
    """A request without a body. Raises ValueError for what would not be one request (RFC 9112 2.2)."""
    if _NOT_IN_TARGET.search(target):
        raise ValueError("a target with white space or control bytes")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    for name, value in fields.items():
        if _NOT_IN_FIELD.search(value) or _NOT_IN_FIELD.search(name):
            raise ValueError(f"the field {name[:40]!r} has a line end")
        lines.append(f"{name}: {value}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


@dataclass(slots=True)
class LinkAnswer:
    """An answer on a connection of its own until it is released or closed."""

    _message: Message
    content: Content
    _pool: "LinkPool"
    _link: LinkConnection

    @property
    def status(self) -> int:
        return self._message.code

    @property
    def reason(self) -> str:
        return self._message.reason

    @property
    def headers(self) -> CIMultiDictProxy[str] | CIMultiDict[str]:
        """Of a plain head without those of the connection."""
        return self._message.headers

    @property
    def plain(self) -> PlainHead | None:
        """The head, if it was so plain."""
        message = self._message
        return message if isinstance(message, PlainHead) else None

    def release(self) -> None:
        """The body is read: the connection may serve others."""
        self._pool.give_back(self._link)

    def close(self) -> None:
        """Nobody wants the rest: it ends with its connection."""
        self._link.force_close()
        self._pool.give_back(self._link)


@dataclass(slots=True)
class Begun:
    """A request under way whose receiver is called."""

    _pool: "LinkPool"
    link: LinkConnection

    def answer(self, message: Message, content: Content) -> LinkAnswer:
        """The head is there."""
        self.link.listen(None)
        return LinkAnswer(message, content, self._pool, self.link)

    def drop(self) -> None:
        """No answer is wanted, or none will come."""
        self.link.receiver = None
        self._pool.drop(self.link)


class LinkPool:
    """At most `n_connections` open, the latest used first. Open and used in one event loop."""

    def __init__(self, base_url: str, unix_path: str, limits: UpstreamLimits) -> None:
        parts = urlsplit(base_url)
        self._host = parts.netloc
        self._prefix = parts.path
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._slots = Slots(limits.n_connections)
        self._idle: deque[tuple[LinkConnection, float]] = deque()
        self._in_use: set[LinkConnection] = set()
        self._sweep: asyncio.TimerHandle | None = None
        """While any is in use."""
        shared = memoryview(bytearray(READ_BYTES))

        tls = ssl.create_default_context() if parts.scheme == "https" else None
        self.pipes = None if tls or unix_path else Pipes()
        """For bodies that go on to one viewer."""

        def make() -> Inlet:
            return Inlet(LinkConnection(self._loop, limits.stall_s, self.pipes), shared)

        port = parts.port or (443 if tls else 80)
        self._connect = (
            functools.partial(self._loop.create_unix_connection, make, unix_path)
            if unix_path
            else functools.partial(self._loop.create_connection, make, parts.hostname, port, ssl=tls)
        )

    async def ask(
        self, method: str, target: str, fields: MultiMapping[str], informed: InformedOf | None
    ) -> LinkAnswer:
        """The head of the answer; a connection that the server closed while it rested is replaced at once.

        Raises ConnectTimeout, NoConnection, NotHttp, ValueError; TimeoutError when the head does not come
        within the first byte's limit, connections and all; OSError or aiohttp's ClientConnectionError
        when the server hangs up.
        """
        head = self.rendered(method, target, fields)
        deadline_s = self._loop.time() + self._limits.first_byte_s
        while True:
            link, is_reused = await self._acquire(deadline_s)
            # A timer for the connection: a context around the task costs three times as much.
            timer = self._loop.call_at(deadline_s, link.give_up)
            try:
                return await self._exchange(link, head, informed, has_body=method != "HEAD")
            except HttpProcessingError as exc:
                self.drop(link)
                raise NotHttp(str(exc.message)[:200]) from exc
            except (ClientConnectionError, OSError) as exc:
                self.drop(link)
                if not is_reused or isinstance(exc, TimeoutError):
                    raise
            except BaseException:
                self.drop(link)
                raise
            finally:
                timer.cancel()

    def begin(
        self, around: tuple[bytes, bytes], target: str, receiver: Receiver, informed: InformedOf
    ) -> "Begun | None":
        """Ask over a connection that rests, and have `receiver` called; None: there is none.

        `around` is what `rendered` gave, before and behind the target; `target` is a plain path.
        """
        now_s, slots = self._loop.time(), self._slots
        link = self._rested(now_s) if slots.n_free > 0 else None
        if link is None:
            return None
        slots.take()
        self._use(link)
        link.await_head(receiver, informed, now_s + self._limits.first_byte_s)
        assert link.transport is not None  # it is connected
        link.transport.write(b"%b%b%b" % (around[0], target.encode("ascii"), around[1]))
        return Begun(self, link)

    def _use(self, link: LinkConnection) -> None:
        self._in_use.add(link)
        if self._sweep is None:
            self._sweep = self._loop.call_later(SWEEP_S, self._look)

    def _look(self) -> None:
        """One timer for all of them: a timer for each costs more than what it watches."""
        now_s = self._loop.time()
        for link in list(self._in_use):
            link.look(now_s)
        self._sweep = self._loop.call_later(SWEEP_S, self._look) if self._in_use else None

    def rendered(self, method: str, target: str, fields: MultiMapping[str]) -> bytes:
        """A request for this server. Raises ValueError."""
        return request_head(method, self._prefix + target, self._host, fields)

    async def _exchange(
        self, link: LinkConnection, head: bytes, informed: InformedOf | None, *, has_body: bool
    ) -> LinkAnswer:
        link.parse(has_body=has_body)
        link.listen(informed)
        if link.transport is None:
            raise ConnectionResetError("closed while it rested")
        link.transport.write(head)
        try:
            message, content = await link.read()
            while 100 <= message.code < 200 and message.code != 101:
                message, content = await link.read()
        finally:
            link.listen(None)
        return LinkAnswer(message, content, self, link)

    async def _acquire(self, deadline_s: float) -> tuple[LinkConnection, bool]:
        """A connection, and whether it has served before."""
        if not self._slots.take():
            await self._in_time(self._slots.wait(), deadline_s)
        try:
            link = self._rested(self._loop.time())
            if link is not None:
                self._use(link)
                return link, True
            try:
                _, inlet = await self._in_time(self._connect(), deadline_s)
            except TimeoutError:
                raise
            except OSError as exc:
                raise NoConnection(str(exc)) from exc
        except BaseException:
            self._slots.release()
            raise
        self._use(inlet.link)
        return inlet.link, False

    def _rested(self, now_s: float) -> LinkConnection | None:
        """A connection that rests and is fit for use."""
        while self._idle:
            link, since_s = self._idle.pop()
            if now_s - since_s < IDLE_S and link.is_fit:
                return link
            link.close()
        return None

    async def _in_time(self, waiting: Awaitable[T], deadline_s: float) -> T:
        """What is waited for, within the limit for connections and not later than the deadline."""
        limit_s = min(self._limits.connect_s, deadline_s - self._loop.time())
        try:
            async with asyncio.timeout(limit_s):
                return await waiting
        except TimeoutError as exc:
            if limit_s < self._limits.connect_s:
                raise
            raise ConnectTimeout from exc

    def give_back(self, link: LinkConnection) -> None:
        """Keep a connection for the next request, or close it when it is not fit for one. Once per use."""
        if link not in self._in_use:
            return
        if not link.is_fit:
            self.drop(link)
            return
        self._in_use.discard(link)
        self._slots.release()
        now_s = self._loop.time()
        self._idle.append((link, now_s))
        while self._idle and now_s - self._idle[0][1] > IDLE_S:
            self._idle.popleft()[0].close()

    def drop(self, link: LinkConnection) -> None:
        """Close a connection in use."""
        if link in self._in_use:
            self._in_use.discard(link)
            self._slots.release()
        link.close()

    def close(self) -> None:
        """Close every connection, those in use too."""
        for link in (*self._in_use, *(link for link, _ in self._idle)):
            link.close()
        self._idle.clear()
        if self.pipes is not None:
            self.pipes.close()
        if self._sweep is not None:
            self._sweep.cancel()
