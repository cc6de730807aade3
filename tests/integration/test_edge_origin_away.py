"""The origin is down, or takes requests and never answers: what is stored and permitted is served."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.cache.settings import UpstreamLimits
from edge.upstream.circuit import TRY_S
from tests.edge_cache_builders import FakeClock
from tests.origins import PLAIN, Reply, RunningEdge, ScriptedOrigin, running_edge
from tests.waiting import eventually

LIMITS = replace(PLAIN, stale_wait_s=60)
"""Nobody here waits for so long: an answer says by its coming that it was not waited for."""
UPSTREAM = UpstreamLimits(first_byte_s=60, connect_s=0.5, n_retries=0)


def reply(body: bytes = b"kept", control: str = "max-age=1, stale-if-error=99") -> Reply:
    return Reply(body, headers={"Cache-Control": control, "ETag": '"one"'})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(int(time.time() * 1000))  # noqa: TID251 - the origin's Date is the real one


@pytest.fixture
async def edge(origin: ScriptedOrigin, clock: FakeClock, tmp_path: Path) -> AsyncIterator[RunningEdge]:
    async with running_edge(origin.url, tmp_path, limits=LIMITS, upstream=UPSTREAM, clock=clock) as running:
        yield running


async def filled(origin: ScriptedOrigin, edge: RunningEdge, paths: list[str], control: str) -> None:
    for path in paths:
        origin.replies[path] = reply(path.encode(), control)
        await edge.ask(path)


def hang(origin: ScriptedOrigin, paths: list[str]) -> asyncio.Event:
    """The origin answers these paths no more until the gate is set."""
    gate = asyncio.Event()
    for path in paths:
        origin.replies[path] = Reply(b"new", gate=gate)
    return gate


async def bodies(edge: RunningEdge, paths: list[str]) -> list[bytes]:
    """What viewers get who come one after the other."""
    return [(await edge.ask(path)).body for path in paths]


def encoded(paths: list[str]) -> list[bytes]:
    """What is stored under these."""
    return [path.encode() for path in paths]


async def test_a_hanging_origin_is_waited_for_twice_and_then_left_alone(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    paths = [f"/{number}" for number in range(30)]
    await filled(origin, edge, paths, "max-age=1, stale-if-error=99")
    clock.advance(10)
    gate = hang(origin, paths)
    origin.seen.clear()

    assert await bodies(edge, paths) == encoded(paths)

    assert [request.path for request in origin.seen] == ["/0", "/1"]
    gate.set()


async def test_what_a_hanging_origin_says_at_last_counts(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    await filled(origin, edge, ["/0"], "max-age=1, stale-if-error=99")
    clock.advance(10)
    hang(origin, ["/0"]).set()
    gate = hang(origin, ["/0"])
    assert await bodies(edge, ["/0", "/0"]) == [b"/0", b"/0"]
    gate.set()

    await eventually(lambda: edge.delivery.fills.n_flights == 0)

    assert await bodies(edge, ["/0"]) == [b"new"]
    assert origin.n_seen("/0") == 2


async def test_one_url_that_hangs_makes_no_other_stand_in(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    await filled(origin, edge, ["/0", "/1", "/2"], "max-age=1, stale-if-error=99")
    clock.advance(10)
    gate = hang(origin, ["/0"])
    origin.replies["/1"] = origin.replies["/2"] = Reply(b"new")

    async def gets_new() -> bool:
        return await bodies(edge, ["/1"]) == [b"new"]

    assert await bodies(edge, ["/0"]) == [b"/0"]
    await eventually(gets_new)
    assert await bodies(edge, ["/0", "/0"]) == [b"/0", b"/0"]
    gate.set()


@pytest.mark.parametrize("control", ["max-age=1, must-revalidate, stale-if-error=99", "max-age=1"])
async def test_what_may_not_stand_in_waits_for_a_slow_origin(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock, control: str
) -> None:
    await filled(origin, edge, ["/0"], control)
    await filled(origin, edge, ["/1"], "max-age=1, stale-if-error=99")
    clock.advance(10)
    gate = hang(origin, ["/0", "/1"])
    strict = asyncio.create_task(edge.ask("/0"))
    await eventually(lambda: origin.n_seen("/0") == 2)
    assert await bodies(edge, ["/1", "/1"]) == [b"/1", b"/1"]

    assert not strict.done()
    gate.set()
    assert (await strict).body == b"new"


async def test_an_origin_that_never_answered_is_waited_for_once(
    origin: ScriptedOrigin, clock: FakeClock, tmp_path: Path
) -> None:
    paths = ["/0", "/1", "/2"]
    async with running_edge(origin.url, tmp_path, limits=LIMITS, clock=clock) as edge:
        await filled(origin, edge, paths, "max-age=1, stale-if-error=99")
    clock.advance(10)
    gate = hang(origin, paths)
    origin.seen.clear()

    limits = replace(LIMITS, stale_wait_s=0.2)
    async with running_edge(origin.url, tmp_path, limits=limits, upstream=UPSTREAM, clock=clock) as edge:
        assert await bodies(edge, paths) == encoded(paths)
    assert [request.path for request in origin.seen] == ["/0"]
    gate.set()


async def test_while_revalidating_a_hanging_origin_costs_nobody_anything(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    paths = [f"/{number}" for number in range(10)]
    await filled(origin, edge, paths, "max-age=1, stale-while-revalidate=99")
    clock.advance(10)
    gate = hang(origin, paths)

    assert await bodies(edge, paths) == encoded(paths)
    gate.set()


async def test_what_names_no_limit_waits_for_the_deadline_once(
    origin: ScriptedOrigin, clock: FakeClock, tmp_path: Path
) -> None:
    upstream = replace(UPSTREAM, first_byte_s=0.5)
    async with running_edge(origin.url, tmp_path, limits=LIMITS, upstream=upstream, clock=clock) as edge:
        await filled(origin, edge, ["/0", "/1"], "max-age=1")
        clock.advance(10)
        gate = hang(origin, ["/0", "/1"])
        origin.seen.clear()

        assert await bodies(edge, ["/0", "/1", "/0", "/1"]) == encoded(["/0", "/1", "/0", "/1"])
    assert [request.path for request in origin.seen] == ["/0"]
    gate.set()


async def test_an_origin_that_answers_again_is_believed(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    paths = ["/0", "/1", "/2"]
    await filled(origin, edge, paths, "max-age=1, stale-if-error=99")
    clock.advance(10)
    hang(origin, ["/0", "/1"])
    assert await bodies(edge, ["/0", "/1"]) == [b"/0", b"/1"]

    for path in paths:
        origin.replies[path] = reply(b"new")
    assert await bodies(edge, ["/2"]) == [b"/2"]

    async def is_new() -> bool:
        clock.advance(TRY_S)
        return await bodies(edge, ["/2"]) == [b"new"]

    await eventually(is_new)


async def test_only_one_request_a_turn_goes_to_an_origin_that_hangs(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    paths = [f"/{number}" for number in range(20)]
    await filled(origin, edge, paths, "max-age=1, stale-if-error=99")
    clock.advance(10)
    gate = hang(origin, paths)
    await bodies(edge, ["/0", "/1"])
    origin.seen.clear()

    clock.advance(TRY_S)
    await bodies(edge, paths[2:])

    assert origin.n_seen() == 1
    gate.set()


async def test_an_origin_that_refuses_connections_is_not_asked_again_while_something_stands_in(
    origin: ScriptedOrigin, clock: FakeClock, tmp_path: Path
) -> None:
    upstream = replace(UPSTREAM, n_retries=2, backoff_s=600)
    async with running_edge(origin.url, tmp_path, limits=LIMITS, upstream=upstream, clock=clock) as edge:
        await filled(origin, edge, ["/0"], "max-age=1")
        clock.advance(10)
        await origin.stop()

        assert await bodies(edge, ["/0"]) == [b"/0"]


@pytest.mark.parametrize(
    ("control", "is_served"),
    [
        ("max-age=1", True),
        ("max-age=1, stale-if-error=99", True),
        ("max-age=1, stale-if-error=3", False),
        ("max-age=1, must-revalidate", False),
        ("max-age=1, no-cache", False),
        ("max-age=99", True),
    ],
)
async def test_when_the_origin_is_down_what_is_permitted_is_served_from_both_tiers(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock, control: str, is_served: bool
) -> None:
    paths = [f"/{number}" for number in range(8)]
    await filled(origin, edge, paths, control)
    cache = edge.delivery.cache
    await eventually(lambda: cache.disk is not None and not cache.disk.n_writing)
    for key in cache.memory.keys()[:4]:
        cache.memory.remove(key)
    clock.advance(10)
    await origin.stop()

    for _ in range(3):
        answers = [await edge.ask(path) for path in paths]
        assert [answer.status for answer in answers] == [200 if is_served else 502] * 8
        assert not is_served or [answer.body for answer in answers] == [path.encode() for path in paths]


async def test_a_viewer_who_demands_the_origin_does_not_get_a_stand_in_at_once(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    await filled(origin, edge, ["/0"], "max-age=1, stale-if-error=99")
    clock.advance(10)
    await origin.stop()
    await edge.ask("/0")
    await origin.start(int(origin.url.rpartition(":")[2]))
    origin.replies["/0"] = reply(b"new")

    assert (await edge.ask("/0", Cache_Control="no-cache")).body == b"new"
