"""The way to the origin: pooled connections with deadlines, retries, and loop detection.

Only idempotent requests whose body is at hand are repeated, and only when the connection gave no answer at
all; what cannot be repeated never travels on a connection that the origin may be closing: it gets a new one.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from edge.cache import metrics
from edge.cache.settings import UpstreamLimits
from edge.fields import HOP_FIELD, REVISION_FIELD, FieldPolicy
from edge.headers import end_to_end, has_looped, joined, printable, without_controls
from edge.upstream.exchange import (
    NodeName,
    OriginHungUp,
    OriginInvalid,
    OriginRequest,
    OriginResponse,
    OriginTimeout,
    OriginUnreachable,
    RequestLooped,
    counted,
)
from edge.upstream.link import READ_BYTES, Receiver
from edge.upstream.links import Begun, ConnectTimeout, LinkAnswer, LinkPool, NoConnection, NotHttp
from edge.upstream.wire import LISTENER, SWITCHING, OriginAnswer, listening
from shared.errors import ServiceError

EVERYTHING = FieldPolicy()
N_RENDERED = 256
"""Kinds of request whose bytes are kept."""
OF_LINKS = (ConnectTimeout, NoConnection, NotHttp)
READS = frozenset({"GET", "HEAD"})
UNIX = "unix:"
NOT_OURS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
"""What aiohttp must not invent for a client that did not send it."""


class Upstream:
    """Requests to one server: the origin, or a peer. Connections are pooled and bounded; open it inside the
    running loop. `base_url` may be `unix:/path/of/socket`.
    """

    def __init__(
        self,
        base_url: str,
        limits: UpstreamLimits,
        own: NodeName,
        rng: random.Random,
        *,
        fields: FieldPolicy = EVERYTHING,
    ) -> None:
        self._fields = fields
        self._socket = base_url.removeprefix(UNIX) if base_url.startswith(UNIX) else ""
        self._base = "http://localhost" if self._socket else base_url.rstrip("/")
        self._limits = limits
        self._rng = rng
        self._own = own
        self._client: aiohttp.ClientSession | None = None
        self._links: LinkPool | None = None
        """For reads."""
        self._rendered: dict[int, tuple[object, tuple[bytes, bytes]]] = {}
        """By the identity of the fields, which are held for that: what is before and behind a target."""
        self._once_only: aiohttp.ClientSession | None = None
        """A new connection for each request that cannot be repeated."""

    async def open(self) -> None:
        """Make the pool."""
        self._links = LinkPool(self._base, self._socket, self._limits)
        self._client = self._session(force_close=False)
        self._once_only = self._session(force_close=True)

    def _session(self, *, force_close: bool) -> aiohttp.ClientSession:
        limits = self._limits
        return aiohttp.ClientSession(
            connector=listening(self._connector(force_close=force_close)),
            response_class=OriginAnswer,
            timeout=aiohttp.ClientTimeout(
                total=None, connect=limits.connect_s, sock_connect=limits.connect_s, sock_read=limits.stall_s
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=NOT_OURS,
            auto_decompress=False,
            read_bufsize=READ_BYTES,
            max_line_size=16 * 1024,
            max_field_size=16 * 1024,
        )

    def _connector(self, *, force_close: bool) -> aiohttp.BaseConnector:
        n_connections = self._limits.n_connections
        if self._socket:
            return aiohttp.UnixConnector(self._socket, limit=n_connections, force_close=force_close)
        return aiohttp.TCPConnector(limit=n_connections, ttl_dns_cache=10, force_close=force_close)

    async def close(self) -> None:
        """Close the pool and what is under way."""
        if self._links is not None:
            self._links.close()
        for client in (self._client, self._once_only):
            if client is not None:
                await client.close()

    async def __aenter__(self) -> "Upstream":
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def begin(self, request: OriginRequest, receiver: Receiver) -> Begun | None:
        """Send a plain request for an object over a connection that rests, without a task, and have
        `receiver` called; None: `fetch` must do it. The same `headers` are rendered once."""
        assert self._links is not None, "open() comes first"
        if request.informed is None:
            return None
        known = self._rendered.get(id(request.headers))
        if known is None:
            if has_looped(request.headers, self._own.node):
                return None
            outgoing = self._outgoing(request)
            try:
                whole = self._links.rendered(request.method, "/", outgoing)
            except ValueError:
                return None
            if len(self._rendered) >= N_RENDERED:
                self._rendered.clear()
            before, version, behind = whole.partition(b" HTTP/1.1")
            known = self._rendered[id(request.headers)] = (request.headers, (before[:-1], version + behind))
        return self._links.begin(known[1], request.target, receiver, request.informed)

    def response(self, answer: aiohttp.ClientResponse | LinkAnswer) -> OriginResponse:
        """An answer as a fill takes it."""
        stall_s, plain = self._limits.stall_s, answer.plain if isinstance(answer, LinkAnswer) else None
        if plain is not None:
            return OriginResponse(200, plain.reason, None, answer, stall_s, plain=plain)
        headers = without_controls(end_to_end(answer.headers))
        return OriginResponse(answer.status, printable(answer.reason or ""), headers, answer, stall_s)

    def fetch(self, request: OriginRequest) -> AbstractAsyncContextManager[OriginResponse]:
        """The origin's answer, its body open. Raises OriginUnreachable, OriginTimeout, OriginInvalid,
        RequestLooped. Leaving the context early closes the connection."""
        return self._fetch(request)

    @asynccontextmanager
    async def _fetch(self, request: OriginRequest) -> AsyncIterator[OriginResponse]:
        if has_looped(request.headers, self._own.node):
            raise RequestLooped("the request came back to this node")
        response = self.response(await self._answer(request))
        try:
            yield response
        finally:
            response.let_go()

    async def _answer(self, request: OriginRequest) -> aiohttp.ClientResponse | LinkAnswer:
        attempts_left = self._limits.n_retries if request.is_repeatable else 0
        pause_s = self._limits.backoff_s
        while True:
            try:
                return await self._once(request)
            except OriginUnreachable as exc:
                is_refused = not isinstance(exc, OriginHungUp)
                if attempts_left == 0 or (is_refused and request.has_stand_in):
                    raise
            attempts_left -= 1
            metrics.ORIGIN_RETRIES.inc()
            await asyncio.sleep(self._rng.uniform(0, pause_s))
            pause_s *= 2

    async def _once(self, request: OriginRequest) -> aiohttp.ClientResponse | LinkAnswer:
        """One attempt, with every failure mapped to an error of ours."""
        try:
            if request.body is None and request.method in READS:
                answer: aiohttp.ClientResponse | LinkAnswer = await self._read(request)
            else:
                async with asyncio.timeout(self._limits.first_byte_s):
                    answer = await self._change(request)
            if answer.status == SWITCHING:
                answer.close()
                raise NotHttp("another protocol, for which nobody has asked")
            return answer
        except (aiohttp.ClientError, HttpProcessingError, *OF_LINKS, OSError, ValueError) as exc:
            raise self.error_of(exc) from exc

    def error_of(self, exc: BaseException) -> ServiceError:
        """What a failure before the head is to us, counted."""
        first_s, connect_s, kind = self._limits.first_byte_s, self._limits.connect_s, type(exc).__name__
        error: ServiceError
        if isinstance(exc, aiohttp.ConnectionTimeoutError | ConnectTimeout):
            error = OriginTimeout(f"no connection in {connect_s} s", limit_s=connect_s)
        elif isinstance(exc, TimeoutError):
            error = OriginTimeout(f"no answer in {first_s} s", limit_s=first_s)
        elif isinstance(exc, aiohttp.ClientConnectorError | NoConnection):
            error = OriginUnreachable(f"the origin does not answer: {kind}")
        elif isinstance(exc, aiohttp.ClientConnectionError | OSError):
            error = OriginHungUp(f"the origin broke the connection: {kind}")
        else:
            error = OriginInvalid(f"the origin's answer cannot be read: {kind}")
        return counted(error)

    async def _read(self, request: OriginRequest) -> LinkAnswer:
        assert self._links is not None, "open() comes first"
        return await self._links.ask(
            request.method, request.target, self._outgoing(request), request.informed
        )

    async def _change(self, request: OriginRequest) -> aiohttp.ClientResponse:
        client = self._client if request.is_repeatable else self._once_only
        assert client is not None, "open() comes first"
        heard = LISTENER.set(request.informed)
        try:
            return await client.request(
                request.method,
                URL(self._base + request.target, encoded=True),
                headers=self._outgoing(request),
                data=request.body,
                allow_redirects=False,
            )
        finally:
            LISTENER.reset(heard)

    def _outgoing(self, request: OriginRequest) -> CIMultiDict[str]:
        headers = self._fields.reaching(end_to_end(request.headers))
        headers.pop(
            "Host", None
        )  # the origin's own: one that is not part of the key must not choose the answer
        headers.pop("Expect", None)
        headers["Via"] = joined(headers.getall("Via", ()), f"1.1 {self._own.name}")
        headers["CDN-Loop"] = joined(headers.getall("CDN-Loop", ()), self._own.node)
        if request.body is None:
            headers.pop("Content-Length", None)
        for name in (HOP_FIELD, REVISION_FIELD):
            headers.popall(name, None)
        headers.extend(request.own_fields)
        return headers
