"""The listener: TLS, limits on connections, the sweep, and the node's application behind it."""

import asyncio
import contextlib
import os
import shutil
import socket
import ssl
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from edge.app import Edge
from edge.cache.memory import MemoryTier
from edge.serving.connections import Closed
from edge.serving.doorway import Doorway
from edge.serving.guard import RequestLimits
from edge.serving.hot import HotLimits, HotTable
from edge.serving.listener import Listener, ListenSettings
from shared import metrics
from shared.clock import SystemClock
from shared.errors import ConfigError
from tests.certificates import client_context, self_signed
from tests.edge_nodes import make_config, running_edge
from tests.fast_edges import BIG, LIMITS, SMALL_BUFFER, heated, serving
from tests.origins import Reply, ScriptedOrigin
from tests.waiting import eventually
from tests.wire import Wire, connected, get

pytestmark = pytest.mark.both_loops


@pytest.fixture(scope="module")
def certificate() -> ListenSettings:
    chain, key = self_signed()
    return ListenSettings(tls_cert=chain, tls_key=key)


def closed(reason: Closed) -> float:
    return metrics.REGISTRY.get_sample_value("edge_connections_closed_total", {"reason": reason}) or 0.0


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_answers_hot_hits_and_everything_else(
    version: ssl.TLSVersion, certificate: ListenSettings
) -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG)
        origin.replies["/small"] = Reply(b"small")
        async with (
            serving(origin, listening=certificate) as served,
            connected(served.fast, version=version) as wire,
        ):
            assert served.fast.startswith("https://")
            await heated(wire, get(), get("/small"))

            answers = [await wire.ask(asked) for asked in (get(), get("/small"), get("/a", "Cookie: a"))]

            (connection,) = served.listener.connections
            assert connection.n_answered == 4, "two misses, and two of the three hits"
            assert [answer.body for answer in answers] == [BIG, b"small", BIG]


async def test_a_slow_tls_reader_holds_back_only_itself(certificate: ListenSettings) -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG)
        origin.replies["/small"] = Reply(b"small")
        slow = replace(certificate, send_buffer_bytes=16 * 1024)
        async with serving(origin, listening=slow) as served, connected(served.fast) as wire:
            await heated(wire, get(), get("/small"))
            for _ in range(8):
                wire.writer.write(get())
                await asyncio.sleep(0)
            async with connected(served.fast) as other:
                assert (await other.ask(get("/small"))).body == b"small"

            assert [(await wire.reply()).body == BIG for _ in range(8)] == [True] * 8


async def test_a_slow_loris_in_the_handshake_is_counted_from_the_first_moment_and_closed(
    certificate: ListenSettings,
) -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply()
        before = closed(Closed.HANDSHAKE), closed(Closed.FULL)
        limits = replace(LIMITS, n_connections=1, handshake_s=1.0)
        async with serving(origin, listening=certificate, limits=limits) as served:
            parts = urlsplit(served.fast)
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(b"\x16\x03\x01\x02")
            await eventually(lambda: served.listener.n_connections == 1)
            with pytest.raises(OSError):
                await asyncio.open_connection(parts.hostname, parts.port, ssl=client_context())

            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 30) == b""

            assert (closed(Closed.HANDSHAKE), closed(Closed.FULL)) == (before[0] + 1, before[1] + 1)
            writer.close()
            async with connected(served.fast) as wire:
                assert (await wire.ask(get())).status == 200


async def test_a_stop_lets_a_tls_answer_end_and_ends_a_handshake(certificate: ListenSettings) -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG)
        slow = replace(certificate, send_buffer_bytes=16 * 1024)
        limits = replace(LIMITS, drain_s=20.0)
        async with serving(origin, listening=slow, limits=limits) as served, connected(served.fast) as wire:
            await heated(wire)
            parts = urlsplit(served.fast)
            shy, writer = await asyncio.open_connection(parts.hostname, parts.port)
            wire.reader._limit = 1024  # type: ignore[attr-defined]  # the client stops reading soon
            wire.writer.write(get())
            await eventually(lambda: any(one.is_busy for one in served.listener.connections))

            stopping = asyncio.create_task(served.listener.close())

            assert await shy.read() == b""
            assert (await wire.reply()).body == BIG
            assert await wire.rest() == b""
            await stopping
            writer.close()


async def test_tls_1_2_does_not_renegotiate(certificate: ListenSettings) -> None:
    async with ScriptedOrigin() as origin, serving(origin, listening=certificate) as served:
        address = urlsplit(served.fast).netloc
        client = await asyncio.create_subprocess_exec(
            *("openssl", "s_client", "-tls1_2", "-connect", address),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert client.stdin is not None and client.stdout is not None
        async with asyncio.timeout(30):
            await client.stdout.readuntil(b"---\nCertificate chain")
            client.stdin.write(b"R\n")
            told = await client.stdout.read()
            await client.wait()

        assert b"no renegotiation" in told


async def test_curl_gets_the_whole(certificate: ListenSettings, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl on PATH")
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG * 4)
        async with serving(origin, listening=certificate) as served:
            for number in range(3):
                got = tmp_path / str(number)
                command = ["curl", "-sSf", "--insecure", "-o", str(got), f"{served.fast}/a"]
                client = await asyncio.create_subprocess_exec(*command)

                assert await asyncio.wait_for(client.wait(), 30) == 0
                assert got.read_bytes() == BIG * 4


async def test_a_file_that_is_no_certificate_is_an_error_at_the_start(tmp_path: Path) -> None:
    chain, key = self_signed()
    (tmp_path / "not.pem").write_text("no certificate")
    none, no_pem = str(tmp_path / "none.pem"), str(tmp_path / "not.pem")
    async with ScriptedOrigin() as origin:
        for cert, with_key, told in (
            (none, "", "tls_cert .*none.pem.* No such file"),
            (no_pem, key, "tls_cert .*not.pem.* with listening.tls_key"),
            (chain, none, "tls_key .*none.pem.* No such file"),
            ("", key, "tls_key is set, and listening.tls_cert is not"),
        ):
            with pytest.raises(ConfigError, match=told):
                async with serving(origin, listening=ListenSettings(tls_cert=cert, tls_key=with_key)):
                    pass


async def test_more_connections_than_allowed_are_closed_and_counted() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply()
        before = closed(Closed.FULL)
        async with serving(origin, limits=replace(LIMITS, n_connections=1)) as served:
            async with connected(served.fast) as first:
                await first.ask(get())
                async with connected(served.fast) as second:
                    await eventually(lambda: closed(Closed.FULL) == before + 1)
                    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                        await second.ask(get())
                assert (await first.ask(get())).status == 200
            await eventually(lambda: served.listener.n_connections == 0)
            async with connected(served.fast) as third:
                assert (await third.ask(get())).status == 200


async def test_one_address_has_so_many_connections_and_gets_them_back() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply()
        before = closed(Closed.ADDRESS_FULL)
        async with serving(origin, limits=replace(LIMITS, n_per_address=2)) as served:
            async with connected(served.fast) as one, connected(served.fast) as two:
                await one.ask(get())
                await two.ask(get("/a", "Cookie: a"))
                async with connected(served.fast):
                    await eventually(lambda: closed(Closed.ADDRESS_FULL) == before + 1)
            await eventually(lambda: served.listener.n_connections == 0)
            async with connected(served.fast) as one:
                assert (await one.ask(get())).status == 200


@pytest.mark.parametrize("last", [b"", get(), get("/a", "Cookie: a")])
async def test_an_idle_connection_is_closed_whichever_path_it_was_on(last: bytes) -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply()
        before = closed(Closed.IDLE)
        async with serving(origin, requests=RequestLimits(idle_s=0.3)) as served:
            async with connected(served.fast) as wire:
                await heated(wire)
                if last:
                    await wire.ask(last)

                assert await wire.rest() == b""

            assert closed(Closed.IDLE) == before + 1


async def test_connections_that_are_equally_far_keep_one_number_for_it() -> None:
    async with (
        ScriptedOrigin() as origin,
        serving(origin) as served,
        connected(served.fast),
        connected(served.fast),
    ):
        await eventually(lambda: len(served.listener.connections) == 2)
        one, other = served.listener.connections

        await eventually(lambda: one.seen and other.seen)

        assert one.seen is other.seen


async def test_a_connection_that_is_used_is_not_idle() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply()
        limits = RequestLimits(idle_s=0.5)
        async with serving(origin, requests=limits) as served, connected(served.fast) as wire:
            began_s = asyncio.get_running_loop().time()
            while asyncio.get_running_loop().time() - began_s < 1.5:
                assert (await wire.ask(get())).status == 200
                assert (await wire.ask(get("/a", "Cookie: a"))).status == 200


async def test_a_viewer_that_takes_no_byte_is_cut_and_one_that_takes_some_is_not() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply(BIG)
        before = closed(Closed.UNREAD)
        limits = RequestLimits(unread_s=1.0)
        async with serving(origin, listening=SMALL_BUFFER, requests=limits) as served:
            async with connected(served.fast) as wire:
                await heated(wire)
            async with connected(served.fast, 4096) as stuck, connected(served.fast, 4096) as slow:
                stuck.writer.write(get())
                slow.writer.write(get())
                got = 0
                while closed(Closed.UNREAD) == before:
                    got += len(await slow.reader.readexactly(4096))
                    await asyncio.sleep(0.02)  # slowly, but always a little: that is the subject

                assert got < len(BIG)
                assert len(await slow.reader.readexactly(4096)) == 4096
                assert closed(Closed.UNREAD) == before + 1


async def test_a_head_that_dribbles_is_refused_in_time() -> None:
    limits = RequestLimits(head_s=0.3)
    async with (
        ScriptedOrigin() as origin,
        serving(origin, requests=limits) as served,
        connected(served.fast) as wire,
    ):
        wire.writer.write(b"GET /a HTTP/1.1\r\nHo")

        assert (await wire.reply()).status == 408
        assert await wire.rest() == b""


async def test_a_limit_on_fields_holds_for_hot_objects_too() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply()
        limits = RequestLimits(field_bytes=256)
        async with serving(origin, requests=limits) as served, connected(served.fast) as wire:
            await heated(wire)

            assert (await wire.ask(get("/a", f"User-Agent: {'a' * 300}"))).status == 431


async def test_it_listens_beside_another_process_when_told() -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply()
        shared = ListenSettings(reuse_port=True)
        async with serving(origin, listening=shared) as one:
            port = urlsplit(one.fast).port
            async with serving(origin, listening=shared, listen=f"127.0.0.1:{port}") as two:
                for _ in range(8):
                    async with connected(two.fast) as wire:
                        assert (await wire.ask(get())).status == 200


async def test_sockets_of_a_supervisor_are_set_up_as_its_own_are() -> None:
    def told(link: socket.socket) -> tuple[int, int]:
        buffer = link.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        return buffer, link.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)

    settings = ListenSettings(send_buffer_bytes=48 * 1024, unsent_bytes=32 * 1024)
    with socket.create_server(("127.0.0.1", 0)) as inherited, socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, settings.send_buffer_bytes)
        listener = Listener(
            web.ServerRunner(web.Server(unasked)),
            lambda server: Doorway(server, RequestLimits()),
            HotTable(MemoryTier(2**20, SystemClock()), SystemClock(), HotLimits()),
            settings,
        )
        await listener.open("", [inherited.dup()])

        assert told(inherited) == (told(plain)[0], settings.unsent_bytes)

        await listener.close(grace_s=0)


async def unasked(request: web.BaseRequest) -> web.Response:
    raise AssertionError(request)


async def test_a_stale_unix_socket_is_replaced_and_a_plain_file_is_not(tmp_path: Path) -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["/a"] = Reply()
        path = tmp_path / "edge.sock"
        for _ in range(2):
            served = serving(origin, listen=f"unix:{path}")
            async with served as one, connected(one.fast) as wire:
                assert (await wire.ask(get())).status == 200
                os.link(path, tmp_path / "kept.sock")
            (tmp_path / "kept.sock").rename(path)
        path.unlink()
        path.write_text("mine")
        with pytest.raises(OSError, match="in use"):
            async with serving(origin, listen=f"unix:{path}"):
                pass
        assert path.read_text() == "mine"


async def test_an_address_that_is_taken_is_named() -> None:
    async with ScriptedOrigin() as origin, serving(origin) as one:
        taken = one.fast.removeprefix("http://")
        with pytest.raises(OSError, match=f"cannot listen on {taken}: Address already in use"):
            async with serving(origin, listen=taken):
                pass


async def test_the_nodes_hot_answers_tell_what_its_application_tells(data_dir: Path) -> None:
    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(body=BIG, headers={"Cache-Control": "max-age=60", "ETag": '"one"'})

    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    config = make_config(data_dir, origin_url=origin_url)
    try:
        async with running_edge(config) as node, connected(node.url) as wire:
            await _is_the_same(node, wire)
    finally:
        await runner.cleanup()


async def _is_the_same(node: Edge, wire: Wire) -> None:
    target = "/v/one/open.mp4"
    for asked in (get(target), get(target, "Origin: https://a.example", "Range: bytes=0-99999")):
        await wire.ask(asked)
        ordinary = await wire.ask(asked)
        table = node.delivery.hot
        assert table.whole if ordinary.status == 200 else table.parts
        (connection,) = node.listener.connections
        n_before = connection.n_answered

        hot = await wire.ask(asked)

        assert connection.n_answered == n_before + 1
        assert hot.masked == ordinary.masked
        assert hot.field("Access-Control-Allow-Origin") == "*"
