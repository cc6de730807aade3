"""Any bytes on a connection: a short run of what `make fuzz` does for longer, the corpus first."""

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import oracle
from tests.fuzz.generate import PIECES, generated, mutated
from tests.fuzz.harness import Harness

CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())
N_ROUNDS = 20
N_AT_ONCE = 32
CUTS = st.lists(st.integers(0, 4000), max_size=4)
BYTES = st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=12).map(b"".join)


async def test_the_corpus_is_answered_or_closed() -> None:
    rng = random.Random(1)
    inputs = [(path.read_bytes(), [rng.randrange(4000) for _ in range(rng.randrange(3))]) for path in CORPUS]

    async with Harness() as harness:
        for start in range(0, len(inputs), N_AT_ONCE):
            await harness.check_all(inputs[start : start + N_AT_ONCE])


async def test_what_is_nearly_a_request_is_answered_or_closed() -> None:
    rng = random.Random(2)

    async with Harness() as harness:
        for _ in range(N_ROUNDS):
            made = [generated(rng) for _ in range(N_AT_ONCE)]
            inputs = [(mutated(data, rng), [rng.randrange(200)] * rng.randrange(3)) for data in made]
            await harness.check_all(inputs)


@pytest.fixture
def runner() -> "asyncio.Runner":
    return asyncio.Runner()


def test_any_bytes_are_answered_or_closed(runner: asyncio.Runner) -> None:
    with runner:
        harness = runner.run(Harness().__aenter__())

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(st.tuples(BYTES, CUTS), min_size=1, max_size=8))
        def check(inputs: list[tuple[bytes, list[int]]]) -> None:
            runner.run(harness.check_all(inputs))

        try:
            check()
        finally:
            runner.run(harness.__aexit__())


@pytest.mark.parametrize(
    ("data", "n"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2, 2),
        (b"GET / HTTP/1.1\nHost: x\n\n", 0),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n", 2),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0),
        (
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            2,
        ),
        (b"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", 0),
        (b"GET / HTTP/1.1\r\nX : a\r\n\r\n", 0),
        (b"GET / HTTP/1.1\r\n", 0),
    ],
)
def test_the_oracle_counts_requests(data: bytes, n: int) -> None:
    assert len(oracle.requests(data)[0]) == n
