"""A connection to the origin, where aiohttp's own hides what a cache must see or fail softly.

Interim answers (1xx) are told to whoever asked for them, before the final one. An answer that is followed by
bytes nobody asked for is an answer nevertheless: its head is parsed before what comes behind it, and the
connection is not used again (RFC 9112 section 6.3: extra bytes are not part of the message).
"""

import asyncio
import functools
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
from aiohttp import ClientPayloadError
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientResponse
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict

from edge.headers import without_controls

END_OF_HEAD = b"\r\n\r\n"
MAX_INTERIM = 16
"""Interim answers to one request that are told; more are dropped."""
CONTINUE = 100
SWITCHING = 101


@dataclass(frozen=True, slots=True)
class Interim:
    """An interim answer: early hints, or a sign of life. It has no body and is never stored."""

    status: int
    headers: CIMultiDict[str]


InformedOf = Callable[[Interim], None]

LISTENER: ContextVar[InformedOf | None] = ContextVar("origin_interim_listener", default=None)
"""Who wants to hear of interim answers to the request that this task makes."""


class OriginConnection(ResponseHandler):
    """aiohttp's protocol, fed head by head, with an ear for interim answers."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._is_final = False
        self._heard: list[Interim] = []
        self._n_heard = 0
        self._listener: InformedOf | None = None

    def set_response_params(self, **params: Any) -> None:
        """A new request is on its way."""
        self._is_final = False
        self._heard.clear()
        self._n_heard = 0
        super().set_response_params(**params)

    def listen(self, listener: InformedOf | None) -> None:
        """Tell this one, also of what came already."""
        self._listener = listener
        if listener is not None:
            heard, self._heard = self._heard, []
            for interim in heard:
                listener(interim)

    def data_received(self, data: bytes) -> None:
        """Bytes of the origin; a head goes to the parser alone, so that it counts before what follows."""
        place = 0
        while place < len(data) and not self._is_final and self._parser is not None:
            end = data.find(END_OF_HEAD, place) + len(END_OF_HEAD)
            if end < len(END_OF_HEAD) or end == len(data):
                break
            super().data_received(data[place:end])
            place = end
            if self._exception is not None:
                return
        self.rest_received(data, place)

    def rest_received(self, data: bytes, place: int) -> None:
        """What came behind the heads, from `place` on: a part of a head, or of a body."""
        super().data_received(data[place:] if place else data)

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """Nothing more will come. Who reads a body that cannot be parsed any further waits for it else."""
        body = self._payload
        if exc_cause is None:
            super().set_exception(exc)
        else:
            super().set_exception(exc, exc_cause)
        if isinstance(exc, HttpProcessingError) and body is not None and not body.is_eof():
            body.set_exception(ClientPayloadError("the body is malformed"))

    def feed_data(self, data: Any, size: int = 0) -> None:
        """A head was parsed."""
        status = data[0].code
        if status == CONTINUE or not 100 <= status < 200:
            self._is_final = self._is_final or status != CONTINUE
        elif status != SWITCHING:
            self._tell(Interim(status, without_controls(CIMultiDict(data[0].headers))))
        self.pass_on(data, size)

    def pass_on(self, data: Any, size: int) -> None:
        """Give a head to who waits for it."""
        super().feed_data(data, size)

    def _tell(self, interim: Interim) -> None:
        self._n_heard += 1
        if self._n_heard > MAX_INTERIM:
            return
        if self._listener is not None:
            self._listener(interim)
        else:
            self._heard.append(interim)


class OriginAnswer(ClientResponse):
    """aiohttp's response, which listens while it waits for its head."""

    async def start(self, connection: Connection) -> ClientResponse:
        """Wait for the final head."""
        protocol = connection.protocol
        if isinstance(protocol, OriginConnection):
            protocol.listen(LISTENER.get())
        try:
            return await super().start(connection)
        finally:
            if isinstance(protocol, OriginConnection):
                protocol.listen(None)


def listening(connector: aiohttp.BaseConnector) -> aiohttp.BaseConnector:
    """The connector, making connections of our kind. Call it inside the running loop."""
    made = functools.partial(OriginConnection, asyncio.get_running_loop())
    connector._factory = cast("functools.partial[ResponseHandler]", made)
    return connector
