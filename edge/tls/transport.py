"""A TLS connection on a socket of its own, as an asyncio transport.

asyncio's and uvloop's copy every body several times, and seal it before the socket wants it; this one seals
and sends at once (`tlssession.py`, `tlsoutput.py`). The protocol is connected before the handshake, so that
connections are counted and swept from the first moment; no byte reaches it before the handshake's end.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable
from typing import Any

from edge import metrics
from edge.tls.output import Given, TlsOutput
from edge.tls.session import TlsBroken, TlsSession, Workbench

HIGH_BYTES = 64 * 1024
"""Above this the protocol is told to pause, unless it says otherwise."""


class TlsTransport(asyncio.Transport):
    """One connection, for streaming protocols. Invariants: the loop watches for input exactly while
    `is_reading`; after `_break` nothing is told but connection_lost."""

    __slots__ = (
        "_bench",
        "_high",
        "_is_closing",
        "_is_ended",
        "_is_eof",
        "_is_lost",
        "_is_paused",
        "_is_reading_paused",
        "_link",
        "_loop",
        "_low",
        "_output",
        "_peer",
        "_protocol",
        "_session",
        "_wants_eof",
        "is_handshaking",
    )

    def __init__(
        self,
        link: socket.socket,
        peer: Any,
        session: TlsSession,
        bench: Workbench,
        protocol: asyncio.Protocol,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._link = link
        self._peer = peer
        self._session = session
        self._bench = bench
        self._output = TlsOutput(link, session, bench, self._has_room)
        self._protocol: asyncio.BaseProtocol = protocol
        self._high, self._low = HIGH_BYTES, HIGH_BYTES // 4
        self.is_handshaking = True
        self._is_closing = self._is_lost = False
        self._is_eof = False
        """The peer has said all."""
        self._wants_eof = self._is_ended = False
        """We shall have said all when the output is empty; we have told so."""
        self._is_reading_paused = self._is_paused = False
        self._loop.add_reader(link, self._receive)
        protocol.connection_made(self)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        told = _EXTRA.get(name)
        return default if told is None else told(self)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def is_closing(self) -> bool:
        return self._is_closing

    def is_reading(self) -> bool:
        return not (self._is_reading_paused or self._is_closing or self._is_eof)

    def pause_reading(self) -> None:
        if self.is_reading():
            self._loop.remove_reader(self._link)
        self._is_reading_paused = True

    def resume_reading(self) -> None:
        if not self._is_reading_paused:
            return
        self._is_reading_paused = False
        if self.is_reading():
            self._loop.add_reader(self._link, self._receive)
            if self._session.incoming.pending:
                self._loop.call_soon(self._deliver)

    def get_write_buffer_size(self) -> int:
        return self._output.n_bytes

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if high is None:
            high = HIGH_BYTES if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"high ({high}) must be at least low ({low}), and low not negative")
        self._high, self._low = high, low
        self._tell_pace()

    def write(self, data: Given) -> None:
        self.writelines((data,))

    def writelines(self, list_of_data: Iterable[Given]) -> None:
        if self._wants_eof:
            raise RuntimeError("nothing can be written after write_eof()")
        if self._is_closing:
            return
        self._output.add(list_of_data)
        if not (self.is_handshaking or self._output.is_full):
            self._pump()
        if self._output.n_bytes or self._is_paused:
            self._tell_pace()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not (self._wants_eof or self._is_closing):
            self._wants_eof = True
            self._end_output()

    def close(self) -> None:
        if self._is_closing:
            return
        if self.is_reading():
            self._loop.remove_reader(self._link)
        self._is_closing = True
        if self.is_handshaking:
            self._break(None)
        else:
            self._end_output()

    def abort(self) -> None:
        self._break(None)

    def _receive(self) -> None:
        raw = self._bench.raw
        try:
            n_bytes = self._link.recv_into(raw)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            self._break(exc)
            return
        if n_bytes:
            self._session.incoming.write(raw[:n_bytes])
            self._deliver()
        else:
            self._end_input()

    def _deliver(self) -> None:
        """Give the protocol what can be opened, for as long as it wants it."""
        try:
            if self.is_handshaking and not self._is_lost:
                self._shake()
            session = self._session
            while session.incoming.pending and self.is_reading() and not self.is_handshaking:
                data, answer = session.open()
                if answer:
                    self._say(answer)
                if data is None or self._is_lost:
                    return
                if data:
                    self._tell(self._protocol.data_received, data)  # type: ignore[attr-defined]
                else:
                    self._end_input()
        except TlsBroken as exc:
            if self.is_handshaking:
                metrics.TLS_HANDSHAKES.labels("failed").inc()
            self._say(exc.alert)
            self._break(exc)

    def _shake(self) -> None:
        is_done, answer = self._session.shake()
        self._say(answer)
        if is_done and not self._is_lost:
            self.is_handshaking = False
            result = "resumed" if self._session.object.session_reused else "full"
            metrics.TLS_HANDSHAKES.labels(result).inc()
            self._has_room()

    def _end_input(self) -> None:
        """The peer has said all; it may still listen."""
        if self.is_reading():
            self._loop.remove_reader(self._link)
        self._is_eof = True
        if self.is_handshaking:
            metrics.TLS_HANDSHAKES.labels("failed").inc()
            self._break(None)
        elif not self._tell(self._protocol.eof_received):  # type: ignore[attr-defined]
            self.close()

    def _pump(self) -> None:
        try:
            self._output.pump()
        except OSError as exc:
            self._break(exc)

    def _has_room(self) -> None:
        self._pump()
        self._tell_pace()
        self._end_output()

    def _tell_pace(self) -> None:
        """Pause the protocol, or let it go on."""
        size = self._output.n_bytes
        if size > self._high and not self._is_paused:
            self._is_paused = True
            self._tell(self._protocol.pause_writing)
        elif self._is_paused and size <= self._low and not self._is_lost:
            self._is_paused = False
            self._tell(self._protocol.resume_writing)

    def _tell(self, call: Callable[..., Any], *words: bytes) -> Any:
        """What the protocol answers. If it fails, its connection ends, and the loop tells of the error."""
        is_over = False
        try:
            answer = call(*words)
            is_over = True
        finally:
            if not is_over:
                self._break(ConnectionAbortedError("its protocol failed"))
        return answer

    def _say(self, sealed: bytes) -> None:
        try:
            self._output.say(sealed)
        except OSError as exc:
            self._break(exc)

    def _end_output(self) -> None:
        """Say that it was all, once it is out, and close, if that is wanted."""
        if self._is_lost or self.is_handshaking or self._output.n_bytes:
            return
        if not (self._wants_eof or self._is_closing):
            return
        if not self._is_ended:
            self._is_ended = True
            self._say(self._session.end())
        if self._output.is_full:
            return
        if self._is_closing:
            self._break(None)
        else:
            try:
                self._link.shutdown(socket.SHUT_WR)
            except OSError as exc:
                self._break(exc)

    def _break(self, exc: Exception | None) -> None:
        """Nothing can be sent or read any more."""
        if self._is_lost:
            return
        self._is_lost = self._is_closing = True
        self._loop.remove_reader(self._link)
        self._output.drop()
        self._loop.call_soon(self._lose, exc)

    def _lose(self, exc: Exception | None) -> None:
        try:
            self._protocol.connection_lost(exc)
        finally:
            self._link.close()


_EXTRA: dict[str, Callable[[TlsTransport], Any]] = {
    "peername": lambda wire: wire._peer,
    "sockname": lambda wire: wire._link.getsockname(),
    "socket": lambda wire: wire._link,
    "ssl_object": lambda wire: wire._session.object,
    "sslcontext": lambda wire: wire._session.object.context,
    "cipher": lambda wire: wire._session.object.cipher(),
    "compression": lambda wire: wire._session.object.compression(),
    "peercert": lambda wire: wire._session.object.getpeercert(),
}
