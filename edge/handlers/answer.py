"""From a stored entry, or from a fill under way, to an aiohttp response: whole, 206, 304, 416.

An answer whose origin fails half-way aborts the connection, so that no client takes a part for the whole.
"""

import secrets
from collections.abc import AsyncIterator, Callable, Hashable, Sequence

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from edge.cache import metrics
from edge.cache.freshness import Storable
from edge.cache.memory import Hot
from edge.cache.ranges import ByteRange, Unsatisfiable, resolved, specs
from edge.fills.reader import Reader
from edge.fills.want import Fetched, Head
from edge.handlers.multipart import Multipart, cut
from edge.handlers.plain import (
    BufferResponse,
    PlainResponse,
    PlainStream,
    RenderedStream,
    may_be_rendered,
    rendered,
)
from edge.headers import (
    NOT_IN_304,
    CacheStatus,
    failed_status,
    if_range_holds,
    is_not_modified,
    is_plain,
    joined,
)
from edge.upstream.exchange import OriginAborted, OriginResponse
from edge.upstream.pieces import Piece
from shared.errors import Blame, ServiceError
from shared.web import problem

PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "Range, If-Range, If-None-Match, If-Modified-Since, Authorization",
    "Access-Control-Max-Age": "86400",
}


class Answers:
    """Makes responses. `name` is ours in Cache-Status."""

    def __init__(self, name: str, extra_headers: tuple[tuple[str, str], ...] = ()) -> None:
        self._name = name
        self._extra_headers = extra_headers
        self._memory_bytes = metrics.BODY_BYTES.labels("memory")
        self._hit = CacheStatus(detail="memory").render(name)

    def hit(self, hot: Hot, age_s: float) -> web.Response:
        """A fresh entry from RAM for a request without conditions: the path that must be fast."""
        entry, whole_s = hot.entry, int(age_s)
        prepared = hot.prepared
        if prepared is None or hot.prepared_s != whole_s:
            prepared = hot.prepared = self._stored_headers(hot, age_s, self._hit)
            hot.prepared_s = whole_s
        self._memory_bytes.inc(entry.meta.size_bytes)
        return BufferResponse(entry.body, status=entry.meta.status, headers=prepared)

    def stored(self, request: web.BaseRequest, hot: Hot, age_s: float, status: CacheStatus) -> web.Response:
        """Any stored entry, with the status to tell."""
        headers = self._stored_headers(hot, age_s, status.render(self._name))
        return _of_entry(request, hot, headers)

    def failed(self, error: ServiceError) -> web.Response:
        """The problem document of an error, with Cache-Status and, as for all media, open to other sites."""
        response = problem(error)
        is_forwarded = error.blame is Blame.UPSTREAM
        response.headers["Cache-Status"] = failed_status(self._name, error.code, is_forwarded=is_forwarded)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Server"] = self._name  # aiohttp would tell its own version
        response.headers.extend(self._extra_headers)
        return response

    def last_hop(self, method: str) -> web.Response:
        """What this node says of itself when a request may go no further (RFC 9110 section 7.6.2)."""
        headers = {"Allow": "GET, HEAD, OPTIONS", "Cache-Status": f"{self._name}; detail=max-forwards"}
        return PlainResponse(status=204 if method == "OPTIONS" else 405, headers=headers)

    def preflight(self) -> web.Response:
        """The answer to a CORS preflight request: reads are open to every site."""
        return PlainResponse(status=204, headers={**dict(self._extra_headers), **PREFLIGHT})

    def _stored_headers(self, hot: Hot, age_s: float, status: str) -> CIMultiDictProxy[str]:
        headers = hot.entry.headers.copy()
        headers["Age"] = str(int(age_s))
        headers["Cache-Status"] = status
        return CIMultiDictProxy(headers)

    def _fetched_headers(self, fetched: CIMultiDictProxy[str], status: CacheStatus) -> CIMultiDict[str]:
        headers = fetched.copy()
        headers["Cache-Status"] = joined(headers.popall("Cache-Status", ()), status.render(self._name))
        return headers

    async def fetched(
        self, request: web.BaseRequest, reader: Reader[Head], head: Fetched, status: CacheStatus
    ) -> web.StreamResponse:
        """The origin's answer while it arrives; a range is cut from the whole as it passes by."""
        if not reader.is_leader and is_plain(request.headers) and may_be_rendered(request, head.headers):
            return await self._collapsed(request, reader, head, status)
        headers = self._fetched_headers(head.headers, status)
        response, size = head.response, head.response.length
        if response.status == 200 and is_not_modified(request.headers, headers):
            return _not_modified(headers)
        parts = None
        if response.status == 200 and size is not None:
            parts = wanted_parts(request, headers, size)
        if isinstance(parts, Unsatisfiable):
            return _unsatisfiable(headers, size or 0)
        if parts is None or (len(parts) > 1 and head.verdict is not Storable.YES):
            begun = _begun(response, headers)
            if reader.flight.has_bytes:
                begun.wait_for_bytes()
            return await _streamed(request, begun, reader.chunks())
        return await in_parts(
            request, headers, parts, lambda part: cut(reader.again(), 0, part.start, part.stop)
        )

    async def _collapsed(
        self, request: web.BaseRequest, reader: Reader[Head], head: Fetched, status: CacheStatus
    ) -> web.StreamResponse:
        """The answer to one of many who ask the same at once: its head is made for all of them."""
        start = self.rendered(reader.flight.rendered, head, status)
        stream = RenderedStream(start, head.response.length or 0)
        return await _streamed(request, stream, reader.chunks())

    def told(self, status: CacheStatus) -> str:
        """The Cache-Status of an answer whose origin tells none."""
        return status.render(self._name)

    def rendered(self, made: dict[Hashable, bytes], head: Fetched, status: CacheStatus) -> bytes:
        """The head of an answer over HTTP/1.1, `made` once for all who get the same."""
        if status not in made:
            headers = self._fetched_headers(head.headers, status)
            made[status] = rendered(head.response.status, head.response.reason, headers)
        return made[status]

    async def assembled(
        self,
        request: web.BaseRequest,
        whole: CIMultiDict[str],
        size: int,
        read: Callable[[ByteRange], AsyncIterator[Piece]],
        status: CacheStatus,
    ) -> web.StreamResponse:
        """The whole that has these headers, or parts of it, from what `read` brings.

        Raises what `read` raises before its first bytes; what comes later cuts the connection.
        """
        headers = self._fetched_headers(CIMultiDictProxy(whole), status)
        if is_not_modified(request.headers, headers):
            return _not_modified(headers)
        parts = wanted_parts(request, headers, size)
        if isinstance(parts, Unsatisfiable):
            return _unsatisfiable(headers, size)
        first = parts[0] if parts else ByteRange(0, size, size)
        begun = await _primed(read(first))
        if parts is None:
            return await _streamed(request, PlainStream(status=200, headers=headers), begun)
        return await in_parts(request, headers, parts, lambda part: begun if part is first else read(part))

    async def relayed(
        self,
        request: web.BaseRequest,
        response: OriginResponse,
        status: CacheStatus,
        chunks: AsyncIterator[Piece] | None = None,
    ) -> web.StreamResponse:
        """The origin's answer as it is; `chunks`, when somebody looks on at its body."""
        headers = self._fetched_headers(CIMultiDictProxy(response.headers), status)
        return await _streamed(request, _begun(response, headers), chunks or response.chunks())


def _of_entry(request: web.BaseRequest, hot: Hot, headers: CIMultiDictProxy[str]) -> web.Response:
    entry = hot.entry
    if entry.meta.status != 200:
        return BufferResponse(entry.body, status=entry.meta.status, headers=headers)
    if is_not_modified(request.headers, headers):
        return _not_modified(headers)
    parts = wanted_parts(request, headers, len(entry.body))
    if isinstance(parts, Unsatisfiable):
        return _unsatisfiable(headers, len(entry.body))
    if parts is None:
        return BufferResponse(entry.body, status=200, headers=headers)
    if len(parts) == 1:
        (part,) = parts
        body = memoryview(entry.body)[part.start : part.stop]
        return BufferResponse(body, status=206, headers=_partial_headers(headers, part))
    pieces = [bytes(entry.body[part.start : part.stop]) for part in parts]
    boundary = _boundary()
    while any(boundary.encode() in piece for piece in pieces):
        boundary = _boundary()
    multipart = Multipart(parts, headers.get("Content-Type"), boundary)
    return PlainResponse(body=multipart.body(pieces), status=206, headers=multipart.headers(headers))


def _boundary() -> str:
    return secrets.token_hex(16)


def wanted_parts(
    request: web.BaseRequest, headers: CIMultiDictProxy[str] | CIMultiDict[str], size: int
) -> tuple[ByteRange, ...] | Unsatisfiable | None:
    """What to send of a representation of `size` bytes; None for all of it."""
    asked = request.headers
    if request.method != "GET" or "Range" not in asked or not if_range_holds(asked.get("If-Range"), headers):
        return None
    wanted = specs(asked["Range"])
    # The last bytes of nothing are all of it, which no Content-Range can say (RFC 9110 section 14.1.2).
    if wanted is None or (size == 0 and any(one.first is None and one.last for one in wanted)):
        return None
    return resolved(wanted, size)


async def in_parts(
    request: web.BaseRequest,
    headers: CIMultiDict[str],
    parts: Sequence[ByteRange],
    read: Callable[[ByteRange], AsyncIterator[Piece]],
) -> web.StreamResponse:
    """A 206 of one part or several, whose bytes `read` brings."""
    if len(parts) == 1:
        partial = PlainStream(status=206, headers=_partial_headers(headers, parts[0]))
        return await _streamed(request, partial, read(parts[0]))
    multipart = Multipart(parts, headers.get("Content-Type"), _boundary())
    partial = PlainStream(status=206, headers=multipart.headers(headers))
    return await _streamed(request, partial, multipart.stream([read(part) for part in parts]))


def _not_modified(headers: CIMultiDictProxy[str] | CIMultiDict[str]) -> web.Response:
    kept = headers.copy()
    for name in NOT_IN_304:
        kept.popall(name, None)
    return PlainResponse(status=304, headers=kept)


def _unsatisfiable(headers: CIMultiDictProxy[str] | CIMultiDict[str], size: int) -> web.Response:
    kept = headers.copy()
    for name in (*NOT_IN_304, "ETag", "Last-Modified", "Repr-Digest"):
        kept.popall(name, None)
    kept["Content-Range"] = f"bytes */{size}"
    return PlainResponse(status=416, headers=kept)


def _partial_headers(headers: CIMultiDictProxy[str] | CIMultiDict[str], part: ByteRange) -> CIMultiDict[str]:
    kept = headers.copy()
    kept["Content-Range"] = part.content_range()
    kept["Content-Length"] = str(part.stop - part.start)
    return kept


async def _primed(chunks: AsyncIterator[Piece]) -> AsyncIterator[Piece]:
    """The same bytes, once the first of them have come."""
    first = await anext(chunks, b"")

    async def joined() -> AsyncIterator[Piece]:
        yield first
        async for chunk in chunks:
            yield chunk

    return joined()


def _begun(response: OriginResponse, headers: CIMultiDict[str]) -> PlainStream:
    return PlainStream(status=response.status, reason=response.reason, headers=headers)


async def _streamed(
    request: web.BaseRequest, response: web.StreamResponse, chunks: AsyncIterator[Piece]
) -> web.StreamResponse:
    """Send the body; a client that went away ends it, an origin that failed ends the connection."""
    n_bytes = 0
    try:
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        async for chunk in chunks:
            await response.write(chunk)
            n_bytes += len(chunk)
        if response.content_length not in (None, n_bytes):
            raise OriginAborted("a body that is not as long as its head says")
        await response.write_eof()
    except ServiceError:
        if request.transport is not None:
            request.transport.abort()
    except ConnectionError:
        pass  # the viewer swiped on
    finally:
        metrics.ORIGIN_BYTES.n += n_bytes
    return response
