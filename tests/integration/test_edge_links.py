"""The edge's own connections for reads, against servers that say exactly what a test wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientPayloadError
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from edge.cache.settings import UpstreamLimits
from edge.upstream.links import ConnectTimeout, LinkPool, NotHttp, request_head

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LIMITS = UpstreamLimits(connect_s=0.3, stall_s=0.3, n_connections=2)


class Server:
    """Answers every head with the same bytes, and counts connections and requests."""

    def __init__(self, answer: bytes = OK, *, n_per_connection: int = 1000) -> None:
        self._answer = answer
        self._n_per_connection = n_per_connection
        self.n_connections = 0
        self.heads: list[bytes] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.n_connections += 1
        try:
            for _ in range(self._n_per_connection):
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(self._answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def pool(server: Server, prefix: str = "", limits: UpstreamLimits = LIMITS) -> AsyncIterator[LinkPool]:
    async with await asyncio.start_server(server.talk, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        made = LinkPool(f"http://127.0.0.1:{port}{prefix}", "", limits)
        yield made
        made.close()


async def read(links: LinkPool, target: str = "/a", method: str = "GET") -> tuple[int, bytes]:
    answer = await links.ask(method, target, CIMultiDict(), None)
    body = b""
    while piece := await answer.content.readany():
        body += piece
    answer.release()
    return answer.status, body


async def test_one_connection_serves_one_request_after_the_other() -> None:
    server = Server()
    async with pool(server) as links:
        assert [await read(links) for _ in range(5)] == [(200, b"ok")] * 5

        assert (server.n_connections, len(server.heads)) == (1, 5)


async def test_a_connection_that_the_server_closed_is_replaced_without_an_error() -> None:
    server = Server(n_per_connection=1)
    async with pool(server) as links:
        assert [await read(links) for _ in range(5)] == [(200, b"ok")] * 5

        assert server.n_connections == 5


async def test_a_connection_with_bytes_nobody_asked_for_serves_nobody_else() -> None:
    server = Server(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
    async with pool(server) as links:
        assert [await read(links) for _ in range(3)] == [(200, b"ok")] * 3

        assert server.n_connections == 3


async def test_who_finds_no_free_connection_in_time_is_told_so() -> None:
    async with pool(Server()) as links:
        held = [await links.ask("GET", "/a", CIMultiDict(), None) for _ in range(2)]

        with pytest.raises(ConnectTimeout):
            await read(links)
        held[0].close()

        assert await read(links) == (200, b"ok")


async def test_a_caller_that_gives_up_keeps_no_connection() -> None:
    async with pool(Server(b"")) as links:
        for _ in range(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await read(links)


async def test_an_answer_to_head_has_no_body_to_wait_for() -> None:
    server = Server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
    async with pool(server) as links:
        assert [await read(links, method="HEAD") for _ in range(2)] == [(200, b"")] * 2
        assert server.n_connections == 1


async def test_a_chunked_body_and_one_that_ends_with_the_connection_are_whole() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    async with pool(Server(chunked)) as links:
        assert await read(links) == (200, b"ok")
    async with pool(Server(b"HTTP/1.1 200 OK\r\n\r\nok", n_per_connection=1)) as links:
        assert await read(links) == (200, b"ok")


@pytest.mark.parametrize("first", [b"", b"2\r\nok\r\n"])
@pytest.mark.parametrize("bad", [b"zz\r\nok\r\n0\r\n\r\n", b"2\r\nokay\r\n0\r\n\r\n", b"-2\r\n"])
async def test_a_malformed_body_is_an_error_at_once_and_not_waited_for(first: bytes, bad: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with pool(Server(head + first + bad), limits=replace(LIMITS, stall_s=30.0)) as links:
        answer = await links.ask("GET", "/", CIMultiDict(), None)

        async with asyncio.timeout(15):
            with pytest.raises(ClientPayloadError):
                while await answer.content.readany():
                    pass
        answer.close()


async def test_what_is_not_http_is_an_error_of_its_own() -> None:
    async with pool(Server(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")) as links:
        with pytest.raises(NotHttp):
            await read(links)


async def test_the_prefix_of_the_origins_url_is_before_every_path() -> None:
    server = Server()
    async with pool(server, "/base") as links:
        await read(links)

        assert server.heads[0].startswith(b"GET /base/a HTTP/1.1\r\nHost: 127.0.0.1:")


async def test_a_unix_socket_is_as_good(tmp_path: Path) -> None:
    server, path = Server(), str(tmp_path / "s")
    async with await asyncio.start_unix_server(server.talk, path):
        links = LinkPool("http://localhost", path, LIMITS)
        assert await read(links) == (200, b"ok")
        links.close()


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_a_head_is_one_request_or_an_error(target: str, name: str, value: str) -> None:
    try:
        head = request_head("GET", target, "origin", CIMultiDict([(name, value)]))
    except ValueError:
        return
    assert head.count(b"\r\n") == 4
    assert head.count(b"\r") == head.count(b"\n") == 4
    assert head.split(b"\r\n")[0].count(b" ") == 2


async def test_a_head_that_does_not_come_in_time_is_a_timeout_and_ends_its_connection() -> None:
    server = Server(b"")
    limits = UpstreamLimits(connect_s=5, first_byte_s=0.1, n_connections=1)
    async with pool(server, limits=limits) as links:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await links.ask("GET", "/a", CIMultiDict(), None)

        assert server.n_connections == 2


async def test_who_waits_for_a_connection_waits_no_longer_than_for_a_head() -> None:
    server = Server()
    limits = UpstreamLimits(connect_s=5, first_byte_s=0.1, n_connections=1)
    async with pool(server, limits=limits) as links:
        held = await links.ask("GET", "/a", CIMultiDict(), None)
        with pytest.raises(TimeoutError):
            await links.ask("GET", "/b", CIMultiDict(), None)
        held.close()
