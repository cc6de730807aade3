"""A request's body in pieces; every way in which it can stall, break or never end is an error of ours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable

from aiohttp import ClientPayloadError, StreamReader
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError

from origin.errors import UploadCut, UploadStalled
from shared.errors import InvalidRequest, TooLarge

MAX_LINES = 1000
"""Boundaries, part headers and preamble of one form."""

_BROKEN = (ConnectionError, ClientPayloadError, RequestPayloadError, HttpProcessingError)


class CappedStream:
    """What aiohttp's multipart reader needs of a stream; at most `cap_bytes` come out, `idle_s` apart.

    Without it, a body that never shows its first boundary would be read for ever; and in short lines, at a
    cost that stops the loop: lines are boundaries and part headers, so there are few.
    """

    def __init__(self, content: StreamReader, cap_bytes: int, idle_s: float) -> None:
        self._content = content
        self._cap_bytes = cap_bytes
        self._idle_s = idle_s
        self._n_read = 0
        self._n_lines = 0

    async def read(self, n: int = -1) -> bytes:
        """At most n bytes."""
        return self._counted(await self._within(self._content.read(n)))

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        """Up to the next line feed."""
        self._n_lines += 1
        if self._n_lines > MAX_LINES:
            raise InvalidRequest(
                f"the body is not multipart/form-data: over {MAX_LINES} lines outside of its parts",
                limit=MAX_LINES,
            )
        return self._counted(await self._within(self._content.readline(max_line_length=max_line_length)))

    def unread_data(self, data: bytes) -> None:
        """Put back what was read too far."""
        self._n_read -= len(data)
        self._content.unread_data(data)

    def at_eof(self) -> bool:
        """Is there nothing more to come?"""
        return self._content.at_eof()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The whole body, as it comes."""
        while piece := self._counted(await self._within(self._content.readany())):
            yield piece

    async def _within(self, reading: Awaitable[bytes]) -> bytes:
        try:
            async with asyncio.timeout(self._idle_s):
                return await reading
        except TimeoutError as exc:
            raise UploadStalled(f"nothing came for {self._idle_s:g} s", limit_s=self._idle_s) from exc
        except _BROKEN as exc:
            raise UploadCut(f"the body ended before its end: {str(exc)[:200]}") from exc

    def _counted(self, data: bytes) -> bytes:
        self._n_read += len(data)
        if self._n_read > self._cap_bytes:
            raise TooLarge(
                f"the body is over the limit of {self._cap_bytes} bytes",
                limit_bytes=self._cap_bytes,
                actual_bytes=self._n_read,
            )
        return data
