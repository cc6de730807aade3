"""What the transport of a connection to the origin talks to; the connection says where the next bytes go."""

import asyncio

from edge.upstream.straight import LinkConnection


class Inlet(asyncio.BufferedProtocol):
    """What the transport talks to."""

    def __init__(self, link: LinkConnection, shared: memoryview) -> None:
        self.link = link
        self._shared = shared
        """Of all connections: between a read and its bytes' use there is no other read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self.link.connection_made(transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go."""
        return self.link.room(self._shared)

    def buffer_updated(self, nbytes: int) -> None:
        """The next bytes are there."""
        self.link.arrived(nbytes, self._shared)

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
