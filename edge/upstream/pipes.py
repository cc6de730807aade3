"""Bytes that go on to a viewer as the kernel holds them, and are copied once: for the store.

A body that comes straight is copied into the buffer that is stored, and from there into the viewer's socket.
Where one viewer waits for it, and neither side encrypts, it goes through a pipe instead (splice(2)), and a
second pipe keeps the same pages (tee(2)) until the buffer gets them. So they are copied once, and late: after
the turn's other work, which is slow with a body in the processor's caches. Nobody may see the buffer before.
"""

import contextlib
import ctypes
import errno
import fcntl
import os

N_PIPES = 128
"""Open at a time, of one pool, two for each body that came in a turn of the loop. The others are copied."""
PIPE_BYTES = 512 * 1024
"""What a pipe holds at the most: 128 pages. So all pipes stay below pipe-user-pages-soft (pipe(7))."""
LEAST_BYTES = 32 * 1024
"""Less is copied faster; a body whose bytes trickle is not tried again."""
_FLAGS = 1 | 2
"""SPLICE_F_MOVE and SPLICE_F_NONBLOCK of splice(2), which `os` names from Python 3.12 on."""
_NOT_HERE = {errno.EINVAL, errno.ENOSYS, errno.EPERM}
_tee = getattr(ctypes.PyDLL(None), "tee", None)
if _tee is not None:
    _tee.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_size_t, ctypes.c_uint)
    _tee.restype = ctypes.c_ssize_t

Ends = tuple[int, int]


class Piped:
    """A part of a body that pipes hold. It is in the buffer when it is settled, as each must be once."""

    __slots__ = ("_kept", "_out", "_pipes", "_room", "start", "stop")

    def __init__(self, pipes: "Pipes", ends: tuple[Ends, Ends], room: memoryview, start: int) -> None:
        self._pipes = pipes
        self._out: Ends | None
        self._kept: Ends | None
        self._out, self._kept = ends
        self._room = room
        self.start = start
        """In the body."""
        self.stop = start + len(room)

    def send(self, fd: int) -> int:
        """Pass on to a socket what it takes now, once; how many bytes. Raises OSError."""
        n_left, out = self.stop - self.start, self._out
        assert out is not None  # once
        try:
            while n_left:
                n_left -= os.splice(out[0], fd, n_left, flags=_FLAGS)
        except BlockingIOError:
            pass
        if n_left == 0:
            self._out = None
            self._pipes.give_back(out)
        return self.stop - self.start - n_left

    def settle(self) -> None:
        """Have the bytes in the buffer, and nothing in the pipes."""
        kept, self._kept = self._kept, None
        if kept is not None:
            self._pipes.empty(kept, self._room)
        out, self._out = self._out, None
        if out is not None:  # not sent, or not all
            self._pipes.close_one(out)


class Pipes:
    """At most N_PIPES pipes, kept open while they are empty."""

    def __init__(self) -> None:
        self._idle: list[Ends] = []
        self.n_open = 0
        """At rest or in use."""
        self._is_possible = _tee is not None and hasattr(os, "splice")

    def receive(self, fd: int, room: memoryview, start: int) -> tuple[int, Piped | None]:
        """Read what has come over a socket for `room`, which is at `start` in the body: into pipes, or, what
        is small, into the room. How many bytes; 0: whoever reads on sees why."""
        out = self._taken()
        kept = None if out is None else self._taken()
        if out is None or kept is None:
            if out is not None:
                self.give_back(out)
            return 0, None
        n_bytes = 0
        try:
            n_bytes = os.splice(fd, out[1], len(room), flags=_FLAGS)
        except BlockingIOError:
            pass
        except OSError as exc:
            self._is_possible = exc.errno not in _NOT_HERE
        assert _tee is not None  # it is possible
        if n_bytes >= LEAST_BYTES:
            n_kept = _tee(out[0], kept[1], n_bytes, _FLAGS)
            if n_kept == n_bytes:
                return n_bytes, Piped(self, (out, kept), room[:n_bytes], start)
            self.close_one(kept)  # some of it is there, or the system cannot
            self._is_possible = n_kept >= 0
        else:
            self.give_back(kept)
        self.empty(out, room[:n_bytes])
        return n_bytes, None

    def _taken(self) -> Ends | None:
        if self._idle:
            return self._idle.pop()
        if not self._is_possible or self.n_open >= N_PIPES:
            return None
        try:
            ends = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None  # no descriptor is left
        self.n_open += 1
        with contextlib.suppress(OSError):  # it holds less
            fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        return ends

    def empty(self, ends: Ends, room: memoryview) -> None:
        """Move all that a pipe holds to `room`, which is as large."""
        place = 0
        while place < len(room):
            place += os.readv(ends[0], [room[place:]])
        self.give_back(ends)

    def give_back(self, ends: Ends) -> None:
        """A pipe is empty again."""
        self._idle.append(ends)

    def close_one(self, ends: Ends) -> None:
        """Close a pipe, whatever it holds."""
        self.n_open -= 1
        for end in ends:
            os.close(end)

    def close(self) -> None:
        """Close those at rest; no more are opened."""
        self._is_possible = False
        while self._idle:
            self.close_one(self._idle.pop())
