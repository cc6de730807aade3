"""What the two paths of a request tell each other: the one with parser and task, and the fast one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from aiohttp import web

from edge.cache.memory import Hot
from edge.fills.reader import Reader
from edge.fills.want import Head, Want

CLIENT_CLOSED_REQUEST = 499
"""What the log says of an answer that nobody waited for; nginx's number."""
OFFERED = web.RequestKey("offered_to_the_fast_path", Hot)
"""Where a request keeps the entry that it was answered from, when the answer may be prepared for others."""


@dataclass(slots=True)
class Handed:
    """A place in a fill, on its way from a connection to the ordinary path."""

    want: Want
    _reader: Reader[Head] | None

    def taken(self) -> Reader[Head] | None:
        """The place, once: to be entered and left."""
        reader, self._reader = self._reader, None
        return reader

    def leave(self) -> None:
        """Nobody needs it, unless it was taken."""
        if self._reader is not None:
            self._reader.flight.leave(self._reader)


def handed_to(request: web.BaseRequest) -> Handed | None:
    """The place in a fill that the fast path got for this request."""
    handed = getattr(request.protocol, "handed", None)
    return handed if isinstance(handed, Handed) else None


class HungUp(Exception):
    """The viewer's connection is gone: nobody reads an answer."""


@runtime_checkable
class Watchful(Protocol):
    """A connection that tells when its viewer hangs up."""

    reading: asyncio.Timeout | None
    """Runs out then."""


@asynccontextmanager
async def while_there(request: web.BaseRequest) -> AsyncIterator[None]:
    """Ends what is awaited inside when the viewer hangs up, and raises HungUp: it only reads, and awaits
    nothing that others await. Without it a hang-up shows at the next write, which an origin may let wait."""
    connection = request.protocol
    if not isinstance(connection, Watchful):
        yield
        return
    if request.transport is None:
        raise HungUp
    reading = asyncio.timeout(None)
    try:
        async with reading:
            connection.reading = reading
            yield
    except TimeoutError as exc:
        if reading.expired():
            raise HungUp from exc
        raise
    finally:
        connection.reading = None
