"""The origin is down, or takes requests and never answers: what is stored and permitted is served."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

from edge.cache.settings import UpstreamLimits
from edge.circuit import TRY_S
from edge.standalone import PLAIN
from tests.edge_cache_builders import FakeClock
from tests.origins import Reply, RunningEdge, ScriptedOrigin, running_edge
from tests.waiting import eventually

AT_ONCE_S = 0.010
LIMITS = replace(PLAIN, stale_wait_s=0.2)
UPSTREAM = UpstreamLimits(first_byte_s=0.5, connect_s=0.5, n_retries=0)


def reply(body: bytes = b"kept", control: str = "max-age=1, stale-if-error=99") -> Reply:
    return Reply(body, headers={"Cache-Control": control, "ETag": '"one"'})


@pytest.fixture
async def origin() -> AsyncIterator[ScriptedOrigin]:
    async with ScriptedOrigin() as running:
        yield running


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


async def timed(edge: RunningEdge, path: str) -> tuple[float, bytes]:
    began = time.perf_counter()
    answer = await edge.ask(path)
    return time.perf_counter() - began, answer.body


async def test_a_hanging_origin_costs_one_viewer_one_wait_and_the_others_nothing(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    paths = [f"/{number}" for number in range(30)]
    await filled(origin, edge, paths, "max-age=1, stale-if-error=99")
    clock.advance(10)
    gate = hang(origin, paths)

    first_s, body = await timed(edge, "/0")
    rest = [await timed(edge, path) for path in paths[1:]]

    assert body == b"/0" and LIMITS.stale_wait_s <= first_s < UPSTREAM.first_byte_s
    assert [body for _, body in rest] == [path.encode() for path in paths[1:]]
    assert median(took_s for took_s, _ in rest) <= AT_ONCE_S
    gate.set()


async def test_while_revalidating_a_hanging_origin_costs_nobody_anything(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    paths = [f"/{number}" for number in range(10)]
    await filled(origin, edge, paths, "max-age=1, stale-while-revalidate=99")
    clock.advance(10)
    gate = hang(origin, paths)

    rest = [await timed(edge, path) for path in paths]

    assert [body for _, body in rest] == [path.encode() for path in paths]
    assert median(took_s for took_s, _ in rest) <= AT_ONCE_S
    gate.set()


async def test_what_names_no_limit_waits_for_the_deadline_once(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    await filled(origin, edge, ["/0", "/1"], "max-age=1")
    clock.advance(10)
    gate = hang(origin, ["/0", "/1"])

    first_s, first = await timed(edge, "/0")
    rest = [await timed(edge, path) for path in ("/1", "/0", "/1")]

    assert first == b"/0" and first_s >= UPSTREAM.first_byte_s
    assert [body for _, body in rest] == [b"/1", b"/0", b"/1"]
    assert median(took_s for took_s, _ in rest) <= AT_ONCE_S
    gate.set()


async def test_an_origin_that_answers_again_is_believed(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    await filled(origin, edge, ["/0", "/1"], "max-age=1, stale-if-error=99")
    clock.advance(10)
    hang(origin, ["/0"])
    assert (await edge.ask("/0")).body == b"/0"

    origin.replies["/0"] = origin.replies["/1"] = reply(b"new")
    assert (await edge.ask("/1")).body == b"/1"
    clock.advance(TRY_S)
    assert (await edge.ask("/1")).body == b"/1"

    async def are_new() -> bool:
        clock.advance(TRY_S)
        return [(await edge.ask(path)).body for path in ("/0", "/1")] == [b"new", b"new"]

    await eventually(are_new)


async def test_only_one_request_a_turn_goes_to_an_origin_that_hangs(
    origin: ScriptedOrigin, edge: RunningEdge, clock: FakeClock
) -> None:
    paths = [f"/{number}" for number in range(20)]
    await filled(origin, edge, paths, "max-age=1, stale-if-error=99")
    clock.advance(10)
    gate = hang(origin, paths)
    await edge.ask("/0")
    origin.seen.clear()

    clock.advance(TRY_S)
    for path in paths:
        await edge.ask(path)

    assert origin.n_seen() <= 1
    gate.set()


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
