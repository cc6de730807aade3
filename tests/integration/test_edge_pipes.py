"""Bytes that go by pipes from socket to socket: the same ones in the buffer, whatever the sockets do."""

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest

from edge.cache.key import PrimaryKey
from edge.fills.flight import Flight
from edge.upstream.links import LinkPool
from edge.upstream.pipes import LEAST_BYTES, N_PIPES, PIPE_BYTES, Pipes
from tests.fast_edges import BIG, SMALL_BUFFER, Served, serving
from tests.origins import Reply, ScriptedOrigin
from tests.waiting import eventually
from tests.wire import connected, get

BODY = random.Random(7).randbytes(200_000)
N_MANY = 100


class Ways:
    """A socket from the origin and one to a viewer, with their other ends."""

    def __init__(self) -> None:
        self.origin, self.source = socket.socketpair()
        self.sink, self.viewer = connected_pair()
        for one in (self.source, self.sink):
            one.setblocking(False)
        self.room = memoryview(bytearray(len(BODY)))

    def close(self) -> None:
        for one in (self.origin, self.source, self.sink, self.viewer):
            one.close()


def connected_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = socket.create_connection(server.getsockname())
        return one, server.accept()[0]


@pytest.fixture
def ways() -> Iterator[Ways]:
    with closing(Ways()) as made:
        made.origin, made.source = _replaced(made.origin, made.source)
        yield made


def _replaced(*former: socket.socket) -> tuple[socket.socket, socket.socket]:
    for one in former:
        one.close()
    near, far = connected_pair()
    far.setblocking(False)
    return near, far


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    with closing(Pipes()) as made:
        yield made


def arrived(ways: Ways, n_bytes: int) -> None:
    """The origin has sent so much, and it is all there."""
    ways.origin.sendall(BODY[:n_bytes])
    seen = 0
    while seen < n_bytes:
        try:
            seen = len(ways.source.recv(len(BODY), socket.MSG_PEEK))
        except BlockingIOError:
            continue


def test_the_viewer_and_the_buffer_get_the_same_bytes(ways: Ways, pipes: Pipes) -> None:
    arrived(ways, 50_000)

    n_bytes, piped = pipes.receive(ways.source.fileno(), ways.room, 10)
    assert piped is not None and (piped.start, piped.stop) == (10, 10 + n_bytes) == (10, 50_010)
    assert piped.send(ways.sink.fileno()) == 50_000
    piped.settle()

    assert ways.room[:50_000] == BODY[:50_000]
    assert ways.viewer.recv(50_000, socket.MSG_WAITALL) == BODY[:50_000]
    assert pipes.n_open == 2, "both are kept for the next"


def test_what_a_full_socket_does_not_take_is_in_the_buffer(ways: Ways, pipes: Pipes) -> None:
    filled = 0
    with pytest.raises(BlockingIOError):
        while True:
            filled += ways.sink.send(bytes(100_000))
    arrived(ways, 60_000)

    _, piped = pipes.receive(ways.source.fileno(), ways.room, 0)
    assert piped is not None
    n_sent = piped.send(ways.sink.fileno())
    piped.settle()

    assert n_sent < 60_000
    assert ways.room[:60_000] == BODY[:60_000]
    assert pipes.n_open == 1, "the pipe with the rest is closed"
    ways.sink.close()
    with ways.viewer.makefile("rb") as viewer:
        assert viewer.read()[filled:] == BODY[:n_sent]


def test_what_nobody_sends_is_in_the_buffer(ways: Ways, pipes: Pipes) -> None:
    arrived(ways, 60_000)

    _, piped = pipes.receive(ways.source.fileno(), ways.room, 0)
    assert piped is not None
    piped.settle()

    assert ways.room[:60_000] == BODY[:60_000]


def test_little_is_copied_at_once(ways: Ways, pipes: Pipes) -> None:
    arrived(ways, LEAST_BYTES - 1)

    assert pipes.receive(ways.source.fileno(), ways.room, 0) == (LEAST_BYTES - 1, None)
    assert ways.room[: LEAST_BYTES - 1] == BODY[: LEAST_BYTES - 1]


def test_no_more_is_read_than_there_is_room_for(ways: Ways, pipes: Pipes) -> None:
    arrived(ways, 60_000)

    n_bytes, piped = pipes.receive(ways.source.fileno(), ways.room[:40_000], 0)

    assert n_bytes == 40_000 and piped is not None
    piped.settle()
    assert ways.source.recv(60_000) == BODY[40_000:60_000]


def test_nothing_is_taken_where_nothing_has_come_or_can(ways: Ways, pipes: Pipes) -> None:
    assert pipes.receive(ways.source.fileno(), ways.room, 0) == (0, None)
    arrived(ways, 50_000)
    taken = [pipes._taken() for _ in range(N_PIPES)]

    assert None not in taken
    assert pipes.receive(ways.source.fileno(), ways.room, 0) == (0, None), "all pipes are in use"
    for ends in taken:
        assert ends is not None
        pipes.close_one(ends)
    counter = os.eventfd(0, os.EFD_NONBLOCK)
    assert pipes.receive(counter, ways.room, 0) == (0, None), "splice(2) does not know it"
    os.close(counter)
    assert ways.source.recv(50_000) == BODY[:50_000]


def test_all_pipes_stay_below_what_a_user_without_privileges_may_have() -> None:
    soft_pages = int(Path("/proc/sys/fs/pipe-user-pages-soft").read_text())

    assert N_PIPES * PIPE_BYTES // os.sysconf("SC_PAGESIZE") <= soft_pages


# The same through an edge.


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with ScriptedOrigin() as origin, serving(origin, listening=SMALL_BUFFER) as made:
        origin.replies["*"] = Reply(BODY)
        yield made


def pipes_of(served: Served) -> Pipes:
    links = served.delivery.upstream._origin._links
    assert isinstance(links, LinkPool) and links.pipes is not None
    return links.pipes


async def warm(served: Served) -> None:
    """A connection to the origin rests: the first request for an object makes it."""
    async with connected(served.fast) as wire:
        await wire.ask(get("/warm"))


def stored(served: Served, target: str) -> bytes:
    hot = served.delivery.cache.memory.peek(PrimaryKey(target))
    assert hot is not None
    return bytes(hot.entry.body)


async def test_a_first_viewer_is_sent_what_the_pipes_hold(served: Served) -> None:
    await warm(served)
    async with connected(served.fast) as wire:
        for number in range(10):
            assert (await wire.ask(get(f"/{number}"))).body == BODY
            await eventually(lambda target=f"/{number}": served.delivery.media.is_in_memory(target))
            assert stored(served, f"/{number}") == BODY

    assert pipes_of(served).n_open > 0


async def test_many_slow_and_hasty_viewers_at_once_get_their_own_bytes_and_leave_no_pipe(
    served: Served,
) -> None:
    await warm(served)
    async with AsyncExitStack() as stack:
        wires = [
            await stack.enter_async_context(
                connected(served.fast, receive_bytes=4096 if number % 3 == 0 else 0)
            )
            for number in range(N_MANY)
        ]
        for number, wire in enumerate(wires):
            wire.writer.write(get(f"/{number}"))
        for wire in wires[1::3]:
            wire.writer.transport.abort()
        for wire in [*wires[0::3], *wires[2::3]]:
            assert (await wire.reply()).body == BODY
        await eventually(lambda: served.delivery.fills.n_flights == 0)

        assert all(stored(served, f"/{number}") == BODY for number in range(0, N_MANY, 3))
        assert pipes_of(served).n_open == len(pipes_of(served)._idle) <= N_PIPES


async def test_who_joins_a_fill_by_pipes_gets_every_byte() -> None:
    gate = asyncio.Event()
    async with ScriptedOrigin() as origin, serving(origin) as served:
        origin.replies["/a"] = Reply(BODY, body_gate=gate)
        await warm(served)
        async with connected(served.fast) as first, connected(served.fast) as second:
            first.writer.write(get("/a"))
            head = await first.reader.readuntil(b"\r\n\r\n") + await first.reader.readexactly(50_000)
            second.writer.write(get("/a"))
            joined = await second.reader.readuntil(b"\r\n\r\n") + await second.reader.readexactly(50_000)
            gate.set()

            for begin, wire in ((head, first), (joined, second)):
                assert begin[-50_000:] + await wire.reader.readexactly(len(BODY) - 50_000) == BODY
            assert stored(served, "/a") == BODY
            assert pipes_of(served).n_open > 0


async def test_what_pipes_hold_is_for_one_reader_of_the_last_chunk_alone() -> None:
    flight: Flight[str] = Flight(lambda: None)
    with flight.reader(is_leader=True):
        flight.begin("head", is_shared=True, keeps=True, first=b"one")
        assert flight.unsettled(0) == b"one"
        with flight.reader(is_leader=False):
            assert flight.unsettled(0) is None
        flight.add(b"two")

        assert [flight.unsettled(index) for index in range(3)] == [None, b"two", None]


@pytest.mark.parametrize("control", ["max-age=60", "no-store"])
async def test_the_rest_of_a_body_follows_what_came_with_its_head(control: str) -> None:
    gate = asyncio.Event()
    async with ScriptedOrigin() as origin, serving(origin) as served:
        origin.replies["/a"] = Reply(BODY, headers={"Cache-Control": control}, body_gate=gate)
        await warm(served)
        async with connected(served.fast) as wire:
            wire.writer.write(get("/a"))
            await wire.reader.readuntil(b"\r\n\r\n")
            begin = await wire.reader.readexactly(50_000)
            gate.set()

            assert begin + await wire.reader.readexactly(len(BODY) - 50_000) == BODY


async def test_an_edge_that_stops_leaves_no_pipe_open() -> None:
    async with ScriptedOrigin() as origin, serving(origin) as made:
        origin.replies["*"] = Reply(BIG)
        await warm(made)
        async with connected(made.fast) as wire:
            assert (await wire.ask(get("/a"))).body == BIG
        pipes = pipes_of(made)
        assert pipes.n_open > 0
    assert pipes.n_open == 0
