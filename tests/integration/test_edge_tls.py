"""The TLS transport over real sockets: what a protocol may expect of it, and what clients may do to it."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from edge.tls.session import PIECE_BYTES
from tests.certificates import client_context
from tests.tls_places import BODY, Heard, Place, all_of, body, client, echo, listening, talk
from tests.waiting import eventually

pytestmark = pytest.mark.both_loops


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_large_bodies_go_both_ways(version: ssl.TLSVersion) -> None:
    async with listening(echo) as place, client(place, version) as (reader, writer):
        writer.write(BODY)

        assert await reader.readexactly(len(BODY)) == BODY
        assert place.made[0].data == BODY


@pytest.mark.parametrize(("n_bytes", "n_records"), [(4_000, 1), (40_000, 1 + 3)])
async def test_a_small_answer_is_one_record_with_its_head(n_bytes: int, n_records: int) -> None:
    def answer(heard: Heard, _: bytes) -> None:
        heard.wire.writelines((b"h" * 400, memoryview(BODY)[:n_bytes]))

    received, sealed, raw, got = ssl.MemoryBIO(), ssl.MemoryBIO(), bytearray(), bytearray()
    tls = client_context(ssl.TLSVersion.TLSv1_2).wrap_bio(received, sealed)  # its tickets come before
    async with listening(answer) as place:
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)

        async def until_done(call: Callable[[], Any]) -> Any:
            while True:
                with contextlib.suppress(ssl.SSLWantReadError):
                    return call()
                writer.write(sealed.read())
                raw.extend(piece := await reader.read(65536))
                assert received.write(piece)

        await until_done(tls.do_handshake)
        tls.write(b"x")
        raw.clear()
        while len(got) < 400 + n_bytes:
            got += await until_done(lambda: tls.read(65536))
        writer.close()

    assert got == b"h" * 400 + BODY[:n_bytes]
    assert records(raw) == n_records


def records(raw: bytes | bytearray) -> int:
    """How many there are (RFC 8446 section 5.1)."""
    n_records = place = 0
    while place < len(raw):
        place += 5 + int.from_bytes(raw[place + 3 : place + 5])
        n_records += 1
    return n_records


async def test_it_tells_who_is_there() -> None:
    async with listening(echo) as place, client(place) as (reader, writer):
        writer.write(b"x")
        await reader.readexactly(1)
        wire = place.made[0].wire

        assert wire.get_extra_info("peername") == writer.get_extra_info("sockname")
        assert wire.get_extra_info("sockname")[1] == place.port
        assert wire.get_extra_info("socket").fileno() >= 0
        assert wire.get_extra_info("ssl_object").version() == "TLSv1.3"
        assert wire.get_extra_info("cipher")[1] == "TLSv1.3"
        assert wire.get_extra_info("sslcontext") is wire.get_extra_info("ssl_object").context
        assert wire.get_extra_info("peercert") is None
        assert wire.get_extra_info("nothing", 5) == 5
        assert wire.get_protocol() is place.made[0]
        assert wire.is_reading() and not wire.is_closing()


async def test_a_stalled_reader_pauses_the_protocol_and_costs_one_sealed_piece() -> None:
    async with listening(body) as place, client(place, limit=1024) as (reader, writer):
        writer.write(b"x")
        heard = await eventually(lambda: next((one for one in place.made if one.n_pauses), None))

        assert heard.wire.get_write_buffer_size() > heard.wire.get_write_buffer_limits()[1]
        assert heard.wire._bench.n_held <= PIECE_BYTES + 4096
        assert await reader.readexactly(4 + len(BODY)) == b"head" + BODY
        await eventually(lambda: heard.n_resumes == heard.n_pauses == 1)
        assert heard.wire.get_write_buffer_size() == heard.wire._bench.n_held == 0


async def test_a_protocol_that_pauses_reading_gets_no_byte_until_it_resumes() -> None:
    def once(heard: Heard, _: bytes) -> None:
        heard.wire.pause_reading()

    async with listening(once) as place, client(place) as (_, writer):
        writer.write(BODY)
        heard = await eventually(lambda: next((one for one in place.made if one.data), None))
        n_got = len(heard.data)
        async with client(place) as (_, other):
            other.write(b"another goes on")
            await eventually(lambda: len(place.made) == 2 and place.made[1].data)
        assert len(heard.data) == n_got < len(BODY)

        heard.answer = None
        heard.wire.resume_reading()

        await eventually(lambda: heard.data == BODY, within_s=20)


async def test_what_waits_at_a_close_arrives_whole() -> None:
    def last(heard: Heard, data: bytes) -> None:
        body(heard, data)
        heard.wire.close()

    async with listening(last) as place, client(place, limit=1024) as (reader, writer):
        writer.write(b"x")
        got = bytearray()
        while piece := await reader.read(1 << 16):
            got += piece

        assert got == b"head" + BODY


async def test_a_half_closed_client_gets_its_answer_whole_and_then_the_notice() -> None:
    def ask(link: ssl.SSLSocket) -> bytes:
        link.sendall(b"question")
        socket.socket.shutdown(link, socket.SHUT_WR)  # FIN, without a notice
        return all_of(link)

    def keep(heard: Heard, _: bytes) -> None:
        heard.keeps_open = True

    async with listening(keep) as place:
        asking = talk(place.port, ask)
        heard = await eventually(lambda: next((one for one in place.made if one.is_eof), None))
        assert heard.data == b"question" and not heard.wire.is_closing()

        heard.wire.write(BODY)
        heard.wire.close()

        assert await asking == BODY


async def test_after_write_eof_the_client_may_still_speak() -> None:
    def ask(link: ssl.SSLSocket) -> bytes:
        link.sendall(b"one")
        got = all_of(link)
        link.sendall(b" more")
        return got

    def last(heard: Heard, _: bytes) -> None:
        heard.answer = None
        heard.wire.write(b"all")
        heard.wire.write_eof()
        with pytest.raises(RuntimeError):
            heard.wire.write(b"too much")

    async with listening(last) as place:
        assert await talk(place.port, ask) == b"all"
        await eventually(lambda: place.made[0].data == b"one more")


async def test_an_abort_in_the_middle_of_a_record_is_a_loss_and_no_end() -> None:
    async with listening(body) as place, client(place, limit=1024) as (reader, writer):
        writer.write(b"x")
        heard = await eventually(lambda: next((one for one in place.made if one.n_pauses), None))

        heard.wire.abort()

        with pytest.raises((ConnectionError, ssl.SSLError, asyncio.IncompleteReadError)):
            await reader.readexactly(4 + len(BODY))
        await eventually(lambda: heard.is_lost)
        assert heard.wire._bench.n_held == 0


async def test_a_client_that_breaks_off_in_a_record_is_lost_alone() -> None:
    async with listening(echo) as place, client(place) as (reader, writer):
        for n_bytes in (1, 4, 5, 20):
            link = await broken_off(place, n_bytes)
            link.close()
        writer.write(b"still here")

        assert await reader.readexactly(10) == b"still here"
        await eventually(lambda: [one.is_lost for one in place.made].count(True) == 4)


async def broken_off(place: Place, n_bytes: int) -> socket.socket:
    """A connected client that has sent so many bytes of a record."""
    loop = asyncio.get_running_loop()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context().wrap_bio(incoming, outgoing)
    link = socket.socket()
    link.setblocking(False)
    await loop.sock_connect(link, ("127.0.0.1", place.port))
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            await loop.sock_sendall(link, outgoing.read())
            incoming.write(await loop.sock_recv(link, 65536))
    tls.write(b"x" * 100)
    await loop.sock_sendall(link, outgoing.read()[:-100][: 200 + n_bytes])
    return link


async def test_a_protocol_that_fails_loses_its_own_connection_only() -> None:
    def fail(heard: Heard, data: bytes) -> None:
        if data == b"fail":
            raise ValueError("as the test wants")
        echo(heard, data)

    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    async with listening(fail) as place, client(place) as (reader, writer), client(place) as (_, bad):
        bad.write(b"fail")
        await eventually(lambda: any(one.exc for one in place.made))
        writer.write(b"good")

        assert await reader.readexactly(4) == b"good"
        assert [type(one["exception"]) for one in told] == [ValueError]
