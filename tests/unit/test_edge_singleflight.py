"""Flights without a socket: how often readers are woken, what slow ones hold back."""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf

from edge.fills.flight import WINDOW_BYTES, Flight
from edge.fills.singleflight import Flights
from tests.waiting import eventually


async def read(
    flights: Flights[str], fill: Callable[[Flight[str]], Awaitable[None]], counts: list[int]
) -> bytes:
    body = b""
    with flights.join("a", fill) as reader:
        await reader.head()
        async for chunk in reader.chunks():
            counts.append(len(chunk))
            body += chunk
    return body


class Fill:
    """Feeds numbered chunks of `chunk_bytes`, letting the loop turn between them."""

    def __init__(self, n_chunks: int, chunk_bytes: int = 2, *, keeps: bool = True) -> None:
        self._n_chunks = n_chunks
        self._chunk_bytes = chunk_bytes
        self._keeps = keeps
        self.body = b"".join(number.to_bytes(chunk_bytes) for number in range(n_chunks))
        self.n_fed = 0

    async def __call__(self, flight: Flight[str]) -> None:
        flight.begin("head", is_shared=True, keeps=self._keeps)
        for number in range(self._n_chunks):
            await flight.feed(number.to_bytes(self._chunk_bytes))
            self.n_fed += 1
            await asyncio.sleep(0)
        flight.finish()


async def test_many_readers_are_woken_seldom_and_miss_nothing() -> None:
    flights: Flights[str] = Flights()
    fill, counts = Fill(400), list[int]()
    started_s = asyncio.get_running_loop().time()

    bodies = await asyncio.gather(*(read(flights, fill, counts) for _ in range(300)))

    took_s = asyncio.get_running_loop().time() - started_s
    assert set(bodies) == {fill.body}
    assert len(counts) / 300 < 4 + took_s / 0.01, "about one wake in 12 ms for 300 readers"


async def test_a_lone_reader_gets_every_chunk_at_once() -> None:
    flights: Flights[str] = Flights()
    fill, counts = Fill(50), list[int]()

    assert await read(flights, fill, counts) == fill.body
    assert len(counts) > 25


async def test_a_late_joiner_gets_what_is_there_in_large_pieces() -> None:
    flights: Flights[str] = Flights()
    fill, gate = Fill(200, 4096), asyncio.Event()

    async def gated(flight: Flight[str]) -> None:
        flight.begin("head", is_shared=True, keeps=True)
        for number in range(200):
            await flight.feed(number.to_bytes(4096))
        await gate.wait()
        flight.finish()

    counts: list[int] = []
    first = asyncio.create_task(read(flights, gated, []))
    await eventually(lambda: flights.n_buffered_bytes == len(fill.body))
    late = asyncio.create_task(read(flights, gated, counts))
    await eventually(lambda: sum(counts) == len(fill.body))
    gate.set()

    assert await first == await late == fill.body
    assert len(counts) <= -(-len(fill.body) // WINDOW_BYTES) + 1


async def test_a_reader_that_stops_holds_back_a_fill_that_is_not_kept() -> None:
    flights: Flights[str] = Flights()
    fill = Fill(1000, 4096, keeps=False)
    with flights.join("a", fill) as reader:
        await reader.head()
        await eventually(lambda: fill.n_fed * 4096 >= WINDOW_BYTES)
        n_fed = fill.n_fed
        for _ in range(20):
            await asyncio.sleep(0)
        assert fill.n_fed == n_fed < 1000

        body = b"".join([chunk async for chunk in reader.chunks()])

    assert body == fill.body


async def test_what_is_left_is_reckoned_at_the_pace_so_far() -> None:
    flight: Flight[str] = Flight(lambda: None)
    assert flight.left_s(300, flight.began_s + 1) == inf
    flight.begin("head", is_shared=True, keeps=True, first=bytes(100))

    assert flight.left_s(300, flight.began_s + 1) == 2
    assert flight.left_s(100, flight.began_s + 1) == 0
    assert flight.left_s(None, flight.began_s + 1) == inf


async def test_a_flight_that_is_dropped_ends_its_task_and_the_next_reader_begins_another() -> None:
    flights: Flights[str] = Flights()
    begun: list[Flight[str]] = []

    async def fill(flight: Flight[str]) -> None:
        begun.append(flight)
        await asyncio.Event().wait()

    with flights.join("a", fill) as reader:
        await eventually(lambda: len(begun) == 1)
    flights.drop(reader.flight)
    await eventually(lambda: len(flights) == 0)

    with flights.join("a", fill) as other:
        assert other.is_leader
    await eventually(lambda: len(begun) == 2)
    await flights.close()
