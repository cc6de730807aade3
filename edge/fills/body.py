"""The body of an origin's answer, continued with a Range request when the connection breaks.

Only the same version goes on: a strong validator in If-Range, a 206 that starts at the byte reached. What
cannot be continued is an error, after the bytes that did come; never a short body that looks complete.
"""

import logging
from collections.abc import AsyncIterator

from multidict import CIMultiDict, MultiMapping

from edge.cache import metrics
from edge.cache.ranges import content_range, does_continue, rest_of
from edge.headers import unconditional
from edge.upstream.exchange import Fetcher, OriginAborted, OriginRequest, OriginResponse, OriginTimeout
from edge.upstream.pieces import Piece

log = logging.getLogger(__name__)


class Body:
    """One answer's body, over as many connections as `n_resumes` allows."""

    def __init__(
        self,
        upstream: Fetcher,
        target: str,
        request: MultiMapping[str],
        head: OriginResponse,
        n_resumes: int,
    ) -> None:
        self._upstream = upstream
        self._target = target
        self._request = request
        self._head = head
        self._n_left = n_resumes
        self._n_bytes = 0

    async def chunks(
        self,
        response: OriginResponse | None,
        n_reached: int = 0,
        broke: OriginAborted | OriginTimeout | None = None,
    ) -> AsyncIterator[Piece]:
        """The bytes after the first n_reached ones; no response: no connection brings them yet, since it
        `broke`.

        Raises what broke the body when it cannot be continued.
        """
        self._n_bytes = n_reached
        async for chunk in self._joined(response, broke or OriginAborted("who read the body is gone")):
            self._n_bytes += len(chunk)
            yield chunk
        if self._told_bytes() not in (None, self._n_bytes):
            raise OriginAborted(f"the origin's body has {self._n_bytes} bytes, not {self._told_bytes()}")

    def _told_bytes(self) -> int | None:
        """How many bytes the answer is to bring, as far as its head says."""
        told = content_range(self._head.headers) if self._head.status == 206 else None
        return told.stop - told.start if self._head.length is None and told else self._head.length

    async def _joined(
        self, response: OriginResponse | None, broke: OriginAborted | OriginTimeout
    ) -> AsyncIterator[Piece]:
        if response is not None:
            try:
                async for chunk in response.chunks():
                    yield chunk
                return
            except (OriginAborted, OriginTimeout) as exc:
                broke = exc
        while self._n_left:
            self._n_left -= 1
            try:
                async for chunk in self._rest(broke):
                    yield chunk
                return
            except (OriginAborted, OriginTimeout) as exc:
                if exc is broke:
                    break
                broke = exc
        raise broke

    async def _rest(self, broke: OriginAborted | OriginTimeout) -> AsyncIterator[Piece]:
        """What is missing, from a new connection. Raises `broke` when the origin does not bring just that."""
        fields = rest_of(self._head.status, self._head.headers, self._n_bytes)
        if fields is None:
            raise broke
        headers: CIMultiDict[str] = unconditional(self._request)
        headers.update(fields)
        async with self._upstream.fetch(OriginRequest("GET", self._target, headers)) as response:
            if not does_continue(headers, response.status, response.headers):
                raise broke
            metrics.ORIGIN_RESUMES.inc()
            log.info("fill_resumed", extra={"key": self._target, "n_bytes": self._n_bytes})
            async for chunk in response.chunks():
                yield chunk
