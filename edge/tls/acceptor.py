"""Where TLS connections come in: the certificate, and one listening socket's acceptor."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any

from edge.tls.session import TlsSession, Workbench
from edge.tls.transport import TlsTransport
from shared.errors import ConfigError

log = logging.getLogger(__name__)

N_AT_ONCE = 64
"""Connections accepted before others have a turn."""
RETRY_S = 1.0
"""After the system refused to accept (no descriptor, no memory)."""


def server_context(chain: str, key: str) -> ssl.SSLContext:
    """TLS 1.2 and 1.3 with session tickets, HTTP/1.1 only, and the cipher that the client names first, which
    knows what its processor is quick at. Raises ConfigError when a PEM file cannot be used.
    """
    if not chain:
        raise ConfigError(
            "listening.tls_key is set, and listening.tls_cert is not: nothing would be encrypted"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(chain, key or None)
    except OSError as exc:  # ssl.SSLError is one
        names = f"listening.tls_cert {chain!r}" + (f" with listening.tls_key {key!r}" if key else "")
        raise ConfigError(f"{names} cannot be used: {exc.strerror or exc}") from exc
    return context


class TlsAcceptor:
    """Takes every connection of a listening socket, which it owns. Open and close it in its loop."""

    def __init__(
        self, link: socket.socket, context: ssl.SSLContext, make: Callable[[], asyncio.Protocol]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._link = link
        self._context = context
        self._make = make
        self._bench = Workbench()
        self._retry: asyncio.TimerHandle | None = None
        link.setblocking(False)
        self._listen()

    def close(self) -> None:
        """Take no more; connections go on."""
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._link)
        self._link.close()

    def _listen(self) -> None:
        self._retry = None
        self._loop.add_reader(self._link, self._accept)

    def _accept(self) -> None:
        for _ in range(N_AT_ONCE):
            try:
                link, peer = self._link.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as exc:
                log.error("accept_failed", extra={"error": str(exc), "retry_s": RETRY_S})
                self._loop.remove_reader(self._link)
                self._retry = self._loop.call_later(RETRY_S, self._listen)
                return
            self._connect(link, peer)

    def _connect(self, link: socket.socket, peer: Any) -> None:
        link.setblocking(False)
        TlsTransport(link, peer, TlsSession(self._context, self._bench), self._bench, self._make())
