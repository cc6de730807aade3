"""Handshakes of the TLS transport: what is no TLS, sessions, ciphers, ALPN; thousands that come and go."""

import asyncio
import contextlib
import socket
import ssl

import pytest

from tests.certificates import client_context
from tests.tls_places import Place, client, echo, failed, listening
from tests.waiting import eventually

pytestmark = pytest.mark.both_loops


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b"\0" * 600]
)
async def test_what_is_no_tls_is_closed_and_counted(said: bytes) -> None:
    async with listening(echo) as place:
        before = failed()
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        writer.write(said)
        with contextlib.suppress(ConnectionResetError):  # it had more to say
            assert not (await reader.read()).startswith(b"HTTP")
        writer.close()

        await eventually(lambda: place.made[0].is_lost)
        assert not place.made[0].data
        assert failed() == before + 1


async def test_a_known_client_resumes_its_session() -> None:
    context = client_context()

    def ask(port: int, session: ssl.SSLSession | None) -> tuple[bool, ssl.SSLSession | None]:
        plain = socket.create_connection(("127.0.0.1", port))
        with context.wrap_socket(plain, session=session) as link:
            link.settimeout(20)
            link.sendall(b"x")
            assert link.recv(10) == b"x"
            return bool(link.session_reused), link.session

    async with listening(echo) as place:
        loop = asyncio.get_running_loop()
        is_reused, session = await loop.run_in_executor(None, ask, place.port, None)
        assert not is_reused

        is_reused, _ = await loop.run_in_executor(None, ask, place.port, session)

        assert is_reused


@pytest.mark.parametrize(
    "wanted", [("AES128", "CHACHA20", "AES256"), ("CHACHA20", "AES256"), ("AES256", "AES128")]
)
async def test_it_takes_the_cipher_that_the_client_names_first(wanted: tuple[str, ...]) -> None:
    context = client_context(ssl.TLSVersion.TLSv1_2)
    known = {"AES128": "AES128-GCM-SHA256", "AES256": "AES256-GCM-SHA384", "CHACHA20": "CHACHA20-POLY1305"}
    context.set_ciphers(":".join(f"ECDHE-ECDSA-{known[one]}" for one in wanted))
    async with listening(echo) as place:
        _, writer = await asyncio.open_connection("127.0.0.1", place.port, ssl=context)

        assert known[wanted[0]] in writer.get_extra_info("cipher")[0]
        writer.transport.abort()


async def test_it_speaks_http_1_by_alpn() -> None:
    context = client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with listening(echo) as place:
        _, writer = await asyncio.open_connection("127.0.0.1", place.port, ssl=context)

        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        writer.transport.abort()


async def test_thousands_of_connections_come_and_go_without_a_trace() -> None:
    async with listening(echo) as place:
        for _ in range(20):
            async with asyncio.TaskGroup() as group:
                for number in range(100):
                    group.create_task(visit(place, number))
        await eventually(lambda: all(one.is_lost for one in place.made), within_s=30)

        assert len(place.made) == 2000
        assert place.made[0].wire._bench.n_held == 0
        place.made.clear()


async def visit(place: Place, number: int) -> None:
    if number % 4 == 0:  # plain, and gone
        _, writer = await asyncio.open_connection("127.0.0.1", place.port)
        writer.write(b"\x16\x03\x01"[: number % 3])
        writer.close()
        return
    async with client(place) as (reader, writer):
        said = b"%d" % number
        writer.write(said)
        assert await reader.readexactly(len(said)) == said
