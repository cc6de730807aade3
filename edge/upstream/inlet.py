"""What the transport of a connection to the origin talks to; the connection says where the next bytes go."""

import asyncio
from collections.abc import Callable
from functools import partial

from edge.upstream.link import LinkConnection


class Inlet(asyncio.BufferedProtocol):
    """What the transport talks to; it looks up once what it calls at each read."""

    get_buffer: Callable[[int], memoryview]  # type: ignore[assignment]  # no method of ours: a frame less
    """Where the next bytes go."""
    buffer_updated: Callable[[int], None]  # type: ignore[assignment]
    """The next bytes are there."""

    def __init__(self, link: LinkConnection, shared: memoryview) -> None:
        self.link = link
        # Of all connections: between a read and its bytes' use there is no other read.
        self.get_buffer = partial(link.room, shared)
        self.buffer_updated = partial(link.arrived, shared)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self.link.connection_made(transport)

    def eof_received(self) -> None:
        """The server closed its half, which ends the connection."""
        self.link.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.link.connection_lost(exc)

    def pause_writing(self) -> None:
        """A request that the server does not read."""
        self.link.pause_writing()

    def resume_writing(self) -> None:
        """It reads on."""
        self.link.resume_writing()
