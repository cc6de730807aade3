"""Large answers, sent from a file straight to the socket: `send(head, MSG_MORE)`, then sendfile.

What the socket does not take at once goes on when one nested, edge-triggered epoll says that there is room:
a descriptor of the loop's own poll, so that no socket is registered there a second time. An edge comes only
after EAGAIN: try until then, and wait only then.
"""

import asyncio
import contextlib
import select
import socket
from collections.abc import Callable
from os import sendfile

from edge.serving.memfile import MemFile
from edge.upstream.pipes import Piped

_MORE = int(socket.MSG_MORE)
"""A plain number: an enum would be converted at each call."""


class Room:
    """Tells sockets that were full that there is room again. One event loop owns it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._poll = select.epoll()
        self._waiting: dict[int, Callable[[], None]] = {}
        loop.add_reader(self._poll.fileno(), self._tell)

    def watch(self, fd: int, on_room: Callable[[], None]) -> None:
        """Call on_room at each edge from full to writable, and once soon, until `leave`."""
        self._waiting[fd] = on_room
        self._poll.register(fd, select.EPOLLOUT | select.EPOLLET)

    def leave(self, fd: int) -> None:
        """Forget a socket; before its descriptor is closed."""
        if self._waiting.pop(fd, None) is not None:
            with contextlib.suppress(OSError):  # the loop has closed it already
                self._poll.unregister(fd)

    def close(self) -> None:
        """Tell nobody any more."""
        self._loop.remove_reader(self._poll.fileno())
        self._poll.close()

    def _tell(self) -> None:
        for fd, _ in self._poll.poll(0):
            on_room = self._waiting.get(fd)
            if on_room is not None:
                on_room()


class Outbox:
    """One socket's answer under way. `release` it before the transport closes the descriptor.

    It borrows the transport's descriptor: nothing may be written here unless the transport's own buffer is
    empty, and nothing there until `send` or `resume` has returned True.
    """

    __slots__ = (
        "_fd",
        "_head",
        "_is_watched",
        "_link",
        "_offset",
        "_on_room",
        "_room",
        "_send",
        "_stop",
        "file",
        "n_sent",
    )

    def __init__(self, fd: int, room: Room, on_room: Callable[[], None]) -> None:
        self._fd = fd
        self._link = socket.socket(fileno=fd)
        self._send = self._link.send
        self._room = room
        self._on_room = on_room
        self._is_watched = False
        self._head: bytes | memoryview = b""
        self.file: MemFile | None = None
        """What is being sent; None: nothing is under way."""
        self._offset = self._stop = 0
        self.n_sent = 0
        """Bytes, for whoever looks whether it goes on."""

    def send(self, head: bytes, file: MemFile, start: int, size: int) -> bool:
        """Send a head and bytes of a file; False: the rest goes when there is room. Raises OSError."""
        n_head = n_body = 0
        send = self._send  # called as a method it would be looked for in the class
        try:
            n_head = send(head, _MORE)
            if n_head == len(head):
                n_body = sendfile(self._fd, file.fd, start, size)
        except BlockingIOError:
            pass
        self.n_sent += n_head + n_body
        if n_body == size:
            return True
        self._head = memoryview(head)[n_head:]
        self.file, self._offset, self._stop = file, start + n_body, start + size
        return self.resume()

    def relay(self, start: bytes, piped: Piped) -> int:
        """Send bytes, and what a pipe holds behind them, as far as the socket takes them now; how many.

        The rest is for the transport. Raises OSError when the connection cannot be used any more.
        """
        try:
            n_sent = self._send(start, _MORE) if start else 0
        except BlockingIOError:
            return 0
        if n_sent == len(start):
            n_sent += piped.send(self._fd)
        self.n_sent += n_sent
        return n_sent

    def resume(self) -> bool:
        """Go on; True: all is out. Raises OSError when the connection cannot be used any more."""
        file = self.file
        if file is None:
            return True
        try:
            while self._head:
                n_sent = self._send(self._head, _MORE)
                self._head = memoryview(self._head)[n_sent:]
                self.n_sent += n_sent
            while self._offset < self._stop:
                n_sent = sendfile(self._fd, file.fd, self._offset, self._stop - self._offset)
                if n_sent == 0:
                    raise ConnectionAbortedError("the file is shorter than what was announced")
                self._offset += n_sent
                self.n_sent += n_sent
        except BlockingIOError:
            if not self._is_watched:
                self._is_watched = True
                self._room.watch(self._fd, self._on_room)
            return False
        self.file = None
        return True

    def release(self) -> None:
        """Give the descriptor back: the socket object must not close it when it is collected."""
        if self._is_watched:
            self._room.leave(self._fd)
            self._is_watched = False
        self.file = None
        self._link.detach()
