"""Requests that only the origin can answer: unsafe methods, HEAD, preconditions, what is not stored anyway.

What passes by still counts: a change of state invalidates what it concerns (RFC 9111 section 4.4), an answer
to HEAD freshens or drops the stored answer to GET (4.3.5), and an answer to POST that says that it is the
resource itself is stored for GET (RFC 9110 section 9.3.3).
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

from aiohttp import HttpVersion11, web
from multidict import CIMultiDict

from edge.cache import metrics
from edge.cache.entry import Times, agrees, complete, make_meta, updated
from edge.cache.freshness import OF_THE_REQUEST, Storable, has_explicit_freshness, storable
from edge.cache.invalidation import does_invalidate, pointed_at
from edge.cache.key import PrimaryKey, primary_key, vary_names, vary_values
from edge.cache.settings import CacheLimits
from edge.cache.tags import Purge
from edge.cache.tiered import TieredCache
from edge.handlers.answer import Answers
from edge.headers import CacheStatus, Completion, Forward, end_to_end, forwards_left
from edge.upstream.exchange import Fetcher, OriginRequest, OriginResponse
from edge.upstream.pieces import Piece
from edge.upstream.wire import InformedOf, Interim
from shared.clock import Clock
from shared.errors import TooLarge

REPEATABLE_BYTES = 64 * 1024
"""A request body up to this is held, so that it can be sent again."""


@dataclass(frozen=True, slots=True)
class ForwardSettings:
    """What an operator sets about forwarded requests."""

    limits: CacheLimits
    completion: Completion
    request_body_bytes: int = 64 * 1024 * 1024
    origin_authority: str = ""
    """How the origin calls itself; the client's Host is the other name."""
    key: Callable[[str], PrimaryKey] = primary_key
    """What a target is stored under."""


class Forwarder:
    """Asks the origin for exactly what a client asks."""

    def __init__(
        self, cache: TieredCache, upstream: Fetcher, clock: Clock, answers: Answers, settings: ForwardSettings
    ) -> None:
        self._cache = cache
        self._upstream = upstream
        self._clock = clock
        self._answers = answers
        self._settings = settings
        self._storage = settings.limits.storage()

    async def forward(
        self, request: web.BaseRequest, primary: PrimaryKey, status: CacheStatus
    ) -> web.StreamResponse:
        """The origin's answer; `status` says why it was asked, and why nothing is stored."""
        left, headers = forwards_left(request.method, request.headers), request.headers.copy()
        if left == 0:
            return self._answers.last_hop(request.method)
        if left is not None:
            headers["Max-Forwards"] = str(left - 1)
        body = await self._body(request)
        asked = OriginRequest(request.method, primary, headers, body, informed=teller(request))
        sent_ms = self._clock.wall_ms()
        async with self._upstream.fetch(asked) as response:
            times = Times(sent_ms, self._clock.wall_ms())
            self._settings.completion.completed(response.headers, times.response_ms)
            metrics.REQUESTS.labels("origin", "pass").inc()
            status = replace(status, forward_status=response.status)
            if does_invalidate(request.method, response.status):
                await self._invalidate(request, primary, response)
            elif request.method == "HEAD" and response.status == 200:
                await self._freshen(request, primary, response, times)
            if self._is_resource(request, primary, response):
                return await self._keep(request, primary, response, times)
            return await self._answers.relayed(request, response, status)

    async def _body(self, request: web.BaseRequest) -> bytes | AsyncIterator[bytes] | None:
        """The request's body: whole when it is small enough to be sent twice, else as it arrives."""
        limit, length = self._settings.request_body_bytes, request.content_length
        if (length or 0) > limit:
            raise TooLarge(f"the body is over {limit} bytes", limit_bytes=limit, actual_bytes=length)
        if not request.body_exists:
            return None
        await _let_it_come(request)
        if length is not None and length <= REPEATABLE_BYTES:
            return await request.content.read()
        return _limited(request, limit)

    async def _invalidate(
        self, request: web.BaseRequest, primary: PrimaryKey, response: OriginResponse
    ) -> None:
        own = (request.headers.get("Host", ""), self._settings.origin_authority)
        pointed = {self._settings.key(target) for target in pointed_at(primary, response.headers, own)}
        for target in {primary} | pointed:
            await self._cache.purge(Purge(primary=target))

    async def _freshen(
        self, request: web.BaseRequest, primary: PrimaryKey, response: OriginResponse, times: Times
    ) -> None:
        """What is stored for GET learns from the answer to HEAD, or goes when that speaks of another one."""
        revision = self._cache.revision
        hit = await self._cache.find(primary, request.headers)
        if hit is None:
            return
        fresh = updated(hit.hot.entry, response.headers, times, self._storage)
        verdict = storable("GET", request.headers, 200, fresh.headers, self._storage)
        if verdict in OF_THE_REQUEST:
            return
        if verdict is Storable.YES and agrees(hit.hot.entry, response.headers):
            self._cache.store(fresh, revision)
        else:
            await self._cache.purge(Purge(primary=primary))

    def _is_resource(self, request: web.BaseRequest, primary: PrimaryKey, response: OriginResponse) -> bool:
        """Whether an answer to POST is what GET would answer, says so, and may be stored."""
        if request.method != "POST" or response.status != 200 or response.length is None:
            return False
        headers, own = response.headers, (request.headers.get("Host", ""), self._settings.origin_authority)
        location = headers.get("Content-Location")
        if location is None or not has_explicit_freshness(headers, self._storage.targets):
            return False
        is_same = pointed_at(primary, CIMultiDict({"Content-Location": location}), own) == {primary}
        is_small = response.length <= self._settings.limits.admission().object_bytes
        return (
            is_same
            and is_small
            and storable("GET", request.headers, 200, headers, self._storage) is Storable.YES
        )

    async def _keep(
        self, request: web.BaseRequest, primary: PrimaryKey, response: OriginResponse, times: Times
    ) -> web.StreamResponse:
        """Relay the answer and store it when all of it has passed."""
        revision, parts = self._cache.revision, list[Piece]()
        status = CacheStatus("origin", Forward.METHOD, response.status, is_stored=True)
        answer = await self._answers.relayed(request, response, status, _noted(response, parts))
        body = b"".join(parts)
        if len(body) == response.length:
            target = (primary, vary_values(vary_names(response.headers), end_to_end(request.headers)))
            meta = make_meta(target, 200, response.headers, times, self._storage)
            self._cache.store(complete(meta, body), revision)
        return answer


async def _let_it_come(request: web.BaseRequest) -> None:
    """Ask a client that waits for that for its body (RFC 9110 section 10.1.1). A routed request was asked."""
    is_waiting = request.headers.get("Expect", "").strip().lower() == "100-continue"
    if is_waiting and request.version >= HttpVersion11 and not isinstance(request, web.Request):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # an answer has not begun


def teller(request: web.BaseRequest) -> InformedOf | None:
    """Passes interim answers on to a client that knows them; HTTP/1.0 does not (RFC 9110 section 15.2)."""
    if request.version < HttpVersion11:
        return None

    def tell(interim: Interim) -> None:
        if request.transport is not None and not request.transport.is_closing():
            request.transport.write(rendered(interim))

    return tell


def rendered(interim: Interim) -> bytes:
    """The bytes of an interim answer."""
    phrase = HTTPStatus(interim.status).phrase if interim.status in set(HTTPStatus) else ""
    fields = end_to_end(interim.headers).items()
    lines = [f"HTTP/1.1 {interim.status} {phrase}", *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


async def _noted(response: OriginResponse, parts: list[Piece]) -> AsyncIterator[Piece]:
    async for chunk in response.chunks():
        parts.append(chunk)
        yield chunk


async def _limited(request: web.BaseRequest, limit: int) -> AsyncIterator[bytes]:
    n_bytes = 0
    async for chunk in request.content.iter_any():
        n_bytes += len(chunk)
        if n_bytes > limit:
            raise TooLarge(f"the body is over {limit} bytes", limit_bytes=limit, actual_bytes=n_bytes)
        yield chunk
