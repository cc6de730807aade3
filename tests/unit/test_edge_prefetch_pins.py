"""The worker's hold on what it plans: openings and playlists are pinned, live traffic comes first."""

import pytest

from edge.prefetch.pins import Pins
from edge.prefetch.warming import Step, Urgency
from edge.prefetch.worker import PrefetchLimits, PrefetchWorker, Warmed, Ways
from tests.edge_cache_builders import FakeClock


async def warm(path: str) -> Warmed:
    raise AssertionError(path)


def worker(pinned: dict[str, int], clock: FakeClock, limits: PrefetchLimits | None = None) -> PrefetchWorker:
    pins = Pins(pinned.__setitem__, pinned.__delitem__)
    return PrefetchWorker(
        Ways(warm, lambda path: True, lambda path: True, lambda path: 0),
        limits or PrefetchLimits(),
        clock,
        pins=pins,
    )


PLAN = [
    Step(Urgency.OPENING, 0.0, 1, "/v/a/240p/open.mp4", 1000),
    Step(Urgency.OPENING, 0.0, 2, "/v/b/240p/open.mp4", 1000),
    Step(Urgency.PLAYLIST, 0.0, 1, "/v/a/master.m3u8", 0),
    Step(Urgency.POSTER, 0.0, 1, "/v/a/poster.jpg", 0),
    Step(Urgency.RESERVE, 0.0, 4, "/v/d/240p/open.mp4", 1000),
]
HELD = [Step(Urgency.HELD, 0.0, n, f"/v/{video}/240p/open.mp4", 1000) for n, video in ((1, "x"), (2, "b"))]


def test_what_a_swipe_waits_for_is_pinned_also_when_it_is_there_already() -> None:
    pinned: dict[str, int] = {}

    worker(pinned, FakeClock()).submit("ann", PLAN)

    assert pinned == {"/v/a/240p/open.mp4": 1, "/v/b/240p/open.mp4": 2, "/v/a/master.m3u8": 1}


def test_a_new_plan_and_the_sessions_end_let_go() -> None:
    pinned: dict[str, int] = {}
    prefetch = worker(pinned, FakeClock())
    prefetch.submit("ann", PLAN)
    prefetch.submit("bob", PLAN[1:2])

    prefetch.submit("ann", PLAN[3:])
    assert pinned == {"/v/b/240p/open.mp4": 2}

    prefetch.submit("bob", [])
    assert pinned == {}


def test_what_a_player_holds_stays_and_gives_way_before_all_that_is_needed() -> None:
    pinned: dict[str, int] = {}
    far = Step(Urgency.OPENING, 0.0, 40, "/v/far/240p/open.mp4", 1000)

    worker(pinned, FakeClock()).submit("ann", [*PLAN, far, *HELD])

    assert pinned.pop("/v/x/240p/open.mp4") > max(pinned.values())
    assert pinned["/v/b/240p/open.mp4"] == 2  # needed, too: as far as that


def test_live_traffic_is_taken_from_the_budget() -> None:
    clock = FakeClock()
    prefetch = worker({}, clock, PrefetchLimits(rate_bytes_s=100_000, burst_bytes=100_000))

    prefetch.yield_to(150_000)

    assert prefetch.budget.take(50_000, clock.monotonic()) == pytest.approx(1.0)
