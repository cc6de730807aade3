"""TLS of one server connection, without a socket: bytes in, bytes out.

Measured at 256 KiB a request: OpenSSL writing each 16 KiB record to the socket itself costs 0.8 to 0.9 of
nginx's processor time; records gathered in a buffer that stays in cache, and sent at once, 0.63.
"""

import contextlib
import ssl
from typing import cast

RAW_BYTES = 64 * 1024
"""Read from a socket at once."""
RECORD_BYTES = 16 * 1024
"""Most plaintext of one record (RFC 8446 section 5.1)."""
PIECE_BYTES = 272 * 1024
"""Sealed and sent at once: an answer of 256 KiB with its head."""
HELD_BYTES = 32 * 1024 * 1024
"""When all connections together hold more ciphertext than this, pieces are single records."""

Plain = bytes | memoryview


class TlsBroken(ConnectionError):
    """The peer does not speak TLS as it must. `alert` tells it so."""

    def __init__(self, reason: str, alert: bytes) -> None:
        super().__init__(reason)
        self.alert = alert


class Workbench:
    """Buffers that all connections of a loop use in turn; empty whenever a call of a session has returned."""

    def __init__(self) -> None:
        self.sealed = ssl.MemoryBIO()
        self.raw = memoryview(bytearray(RAW_BYTES))
        self.plain = bytearray(RECORD_BYTES)
        self.plain_view = memoryview(self.plain)
        self.n_held = 0
        """Bytes of ciphertext that sockets have not taken yet."""

    @property
    def piece_bytes(self) -> int:
        """How much to seal before it is sent."""
        return PIECE_BYTES if self.n_held < HELD_BYTES else RECORD_BYTES


class TlsSession:
    """The server's side. What a call returns as sealed must be sent before what a later call returns."""

    __slots__ = ("_bench", "incoming", "object")

    def __init__(self, context: ssl.SSLContext, bench: Workbench) -> None:
        self._bench = bench
        self.incoming = ssl.MemoryBIO()
        """Bytes of the peer; `pending` are those that have not been looked at."""
        self.object = context.wrap_bio(self.incoming, bench.sealed, server_side=True)

    def shake(self) -> tuple[bool, bytes]:
        """Go on with the handshake: whether it is done, and what to send. Raises TlsBroken."""
        try:
            self.object.do_handshake()
        except ssl.SSLWantReadError:
            return False, self._taken()
        except ssl.SSLError as exc:
            raise TlsBroken(exc.reason or "no TLS", self._taken()) from exc
        return True, self._taken()

    def open(self) -> tuple[bytes | None, bytes]:
        """The next plaintext, empty at its end, None before more is received; and what to send.

        Raises TlsBroken.
        """
        bench = self._bench
        try:
            # Into a buffer it returns a count, whatever its type says. It has room for a whole record, so
            # that OpenSSL keeps nothing back.
            n_bytes = cast(int, self.object.read(RECORD_BYTES, bench.plain))
        except ssl.SSLWantReadError:
            return None, self._taken()
        except ssl.SSLZeroReturnError:
            return b"", self._taken()
        except ssl.SSLError as exc:
            raise TlsBroken(exc.reason or "broken", self._taken()) from exc
        return bytes(bench.plain_view[:n_bytes]), bench.sealed.read()

    def seal(self, pieces: list[Plain], n_bytes: int) -> bytes:
        """The first n_bytes of pieces (or all), sealed; they are taken off."""
        write, n_whole = self.object.write, 0
        try:
            for piece in pieces:
                if len(piece) > n_bytes:
                    break
                write(piece)
                n_bytes -= len(piece)
                n_whole += 1
            if n_bytes and n_whole < len(pieces):
                write(pieces[n_whole][:n_bytes])
                pieces[n_whole] = pieces[n_whole][n_bytes:]
        finally:
            del pieces[:n_whole]
            sealed = self._bench.sealed.read()
        return sealed

    def end(self) -> bytes:
        """The notice that no more will come (close_notify)."""
        with contextlib.suppress(ssl.SSLError):  # it wants the peer's notice, which nobody waits for
            self.object.unwrap()
        return self._taken()

    def _taken(self) -> bytes:
        return self._bench.sealed.read()
