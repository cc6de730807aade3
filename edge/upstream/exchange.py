"""What is asked of an origin, what comes back, and what may go wrong between: the words of all ways to it.

Each deadline has its own error, so that a client and a metric can tell a dead origin from a slow one.
"""

import random
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import ClassVar, NamedTuple, Protocol, Self, TypeVar

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

from edge.cache import metrics
from edge.upstream.link import Receiver
from edge.upstream.links import Begun, LinkAnswer
from edge.upstream.pieces import Piece
from edge.upstream.plainhead import PlainHead
from edge.upstream.wire import InformedOf
from shared.errors import Blame, ServiceError

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})


class OriginUnreachable(ServiceError):
    """No connection to the origin, or it broke before an answer."""

    code = "origin_unreachable"
    blame = Blame.UPSTREAM
    status = 502


class OriginHungUp(OriginUnreachable):
    """It took the connection and closed it without an answer: so it is there, and this request failed."""


class OriginInvalid(ServiceError):
    """The origin's answer is not HTTP."""

    code = "origin_invalid"
    blame = Blame.UPSTREAM
    status = 502


class OriginTimeout(ServiceError):
    """The origin did not answer, or its body stalled, within a limit."""

    code = "origin_timeout"
    blame = Blame.UPSTREAM
    status = 504


class OriginAborted(ServiceError):
    """The origin's body ended before its announced end."""

    code = "origin_aborted"
    blame = Blame.UPSTREAM
    status = 502


class RequestLooped(ServiceError):
    """The request has been through this node before (RFC 8586)."""

    code = "request_looped"
    blame: ClassVar[Blame] = Blame.CALLER
    status = 508


E = TypeVar("E", bound=ServiceError)


def counted(error: E) -> E:
    """The error, counted by its code."""
    metrics.ORIGIN_ERRORS.labels(error.code).inc()
    return error


class OriginRequest(NamedTuple):
    """What to ask. `headers` are the client's; hop-by-hop fields are dropped here."""

    method: str
    target: str
    headers: CIMultiDictProxy[str] | CIMultiDict[str]
    body: bytes | AsyncIterator[bytes] | None = None
    """Bytes can be sent again, a stream only once."""
    own_fields: tuple[tuple[str, str], ...] = ()
    """Added by this edge, for a peer; what a client calls by these names is never passed on."""
    informed: InformedOf | None = None
    """Told of interim answers."""
    has_stand_in: bool = False
    """Something stored answers in the origin's place: one that refuses connections is not asked again."""

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it twice is as good as once (RFC 9110 section 9.2.2), and possible."""
        return self.method in IDEMPOTENT and (self.body is None or isinstance(self.body, bytes))


class NodeName(NamedTuple):
    """This edge in Via and CDN-Loop, alike on all of its ways."""

    name: str
    node: str
    """The name, and what tells this edge from others of the name."""

    @classmethod
    def made(cls, name: str, rng: random.Random) -> Self:
        """A name that no other edge has."""
        return cls(name, f"{name};n={rng.getrandbits(48):012x}")


class OriginResponse:
    """An answer whose body is still to be read."""

    __slots__ = ("_headers", "_response", "_stall_s", "plain", "reason", "status")

    def __init__(
        self,
        status: int,
        reason: str,
        headers: CIMultiDict[str] | None,
        response: aiohttp.ClientResponse | LinkAnswer,
        stall_s: float = 0.0,
        *,
        plain: PlainHead | None = None,
    ) -> None:
        self.status = status
        self.reason = reason
        self._headers = headers
        self._response = response
        self._stall_s = stall_s
        self.plain = plain
        """The head, if it was so plain; then it need not be given as `headers`."""

    @property
    def headers(self) -> CIMultiDict[str]:
        """The end-to-end fields."""
        if self._headers is None:
            self._headers = CIMultiDict() if self.plain is None else self.plain.headers
        return self._headers

    @property
    def length(self) -> int | None:
        """The announced length of the body; None when there is none, or one that is not a number."""
        if self.plain is not None:
            return self.plain.n_bytes
        text = self.headers.get("Content-Length", "")
        return int(text) if text.isascii() and text.isdigit() else None

    async def chunks(self) -> AsyncIterator[Piece]:
        """The body as it arrives. Raises OriginAborted when it is short, OriginTimeout when it stalls."""
        try:
            while chunk := await self._response.content.readany():
                yield chunk
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as exc:
            raise self.broken_by(exc) from exc

    def broken_by(self, exc: Exception) -> "OriginAborted | OriginTimeout":
        """What a failure of the body is to us, counted."""
        if isinstance(exc, TimeoutError):
            stalled = OriginTimeout(f"no bytes in {self._stall_s} s", limit_s=self._stall_s)
            return counted(stalled)
        return counted(OriginAborted("the origin's body ended early"))

    def let_go(self) -> None:
        """Nobody reads on: the connection serves others when all was read, else it ends."""
        response = self._response
        response.release() if response.content.at_eof() else response.close()


class Fetcher(Protocol):
    """Where the bytes of a miss come from: one server, or several by turns."""

    def fetch(self, request: OriginRequest) -> AbstractAsyncContextManager[OriginResponse]:
        """An answer, its body open. Raises OriginUnreachable, OriginTimeout, OriginInvalid, RequestLooped."""
        ...

    def begin(self, request: OriginRequest, receiver: Receiver) -> Begun | None:
        """The same without a task, when the origin is to be asked and a connection rests; None: `fetch`."""
        ...

    def response(self, answer: LinkAnswer) -> OriginResponse:
        """The answer to what was begun."""
        ...

    def error_of(self, exc: BaseException) -> ServiceError:
        """What a failure before the head means."""
        ...
