"""What the worker ends when plans change, and what it lets run on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from edge.prefetch.warming import Step, Urgency
from edge.prefetch.worker import PrefetchLimits, PrefetchWorker, Warmed, Ways
from tests.edge_cache_builders import FakeClock
from tests.waiting import eventually


class Warming:
    """Warmings that last until they are ended, or let through."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.ended: list[str] = []
        self.came: list[str] = []
        self.gate = asyncio.Event()

    @property
    def ways(self) -> Ways:
        return Ways(self.warm, lambda path: path in self.came, lambda path: False, lambda path: 0)

    async def warm(self, path: str) -> Warmed:
        self.running.append(path)
        try:
            await self.gate.wait()
            self.came.append(path)
        except asyncio.CancelledError:
            self.ended.append(path)
            raise
        finally:
            self.running.remove(path)
        return SimpleNamespace(source="origin")


def step(path: str, urgency: Urgency = Urgency.OPENING) -> Step:
    return Step(urgency, 0.0, 1, path, 1)


@asynccontextmanager
async def working(warming: Warming, n_concurrent: int = 8) -> AsyncIterator[PrefetchWorker]:
    limits = PrefetchLimits(n_concurrent=n_concurrent)
    worker = PrefetchWorker(warming.ways, limits, FakeClock())
    task = asyncio.create_task(worker.run_forever())
    try:
        yield worker
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_plan_ends_what_ran_for_the_former_one_alone() -> None:
    warming = Warming()
    async with working(warming) as worker:
        worker.submit("ann", [step("/left"), step("/both")])
        await eventually(lambda: len(warming.running) == 2)

        worker.submit("ann", [step("/both"), step("/next")])

        await eventually(lambda: sorted(warming.running) == ["/both", "/next"])
        assert warming.ended == ["/left"]


async def test_what_another_sessions_plan_names_runs_until_that_one_changes_too() -> None:
    warming = Warming()
    async with working(warming) as worker:
        worker.submit("ann", [step("/shared")])
        await eventually(lambda: warming.running == ["/shared"])
        worker.submit("bob", [step("/shared")])

        worker.submit("ann", [])
        worker.submit("carl", [step("/other")])
        await eventually(lambda: "/other" in warming.running)
        assert warming.ended == []

        worker.submit("bob", [])
        await eventually(lambda: warming.ended == ["/shared"])


async def test_the_place_of_what_was_ended_is_taken_by_the_new_plan() -> None:
    warming = Warming()
    async with working(warming, n_concurrent=1) as worker:
        worker.submit("ann", [step("/left")])
        await eventually(lambda: warming.running == ["/left"])

        worker.submit("ann", [step("/next")])
        await eventually(lambda: warming.running == ["/next"])

        warming.gate.set()
        await eventually(lambda: not warming.running)
        assert warming.ended == ["/left"]


async def test_the_reserve_is_warmed_one_by_one_and_only_while_nothing_else_is() -> None:
    warming = Warming()
    async with working(warming) as worker:
        worker.submit("ann", [step("/first", Urgency.RESERVE), step("/second", Urgency.RESERVE)])
        worker.submit("bob", [step("/opening")])
        await eventually(lambda: warming.running == ["/opening"])

        worker.submit("bob", [])
        await eventually(lambda: warming.running == ["/first"])

        worker.submit("ann", [step("/second", Urgency.RESERVE)])
        await eventually(lambda: warming.running == ["/second"])


async def test_what_runs_for_the_video_on_screen_goes_on() -> None:
    warming = Warming()
    async with working(warming) as worker:
        worker.submit("ann", [step("/v/a/open.mp4"), step("/v/b/open.mp4")])
        await eventually(lambda: len(warming.running) == 2)

        worker.submit("ann", [], screen="/v/b/")

        await eventually(lambda: warming.ended == ["/v/a/open.mp4"])
        assert warming.running == ["/v/b/open.mp4"]


async def test_nothing_of_a_session_shares_the_way_with_the_opening_on_its_screen() -> None:
    warming = Warming()
    async with working(warming) as worker:
        screen = Step(Urgency.SCREEN, 0.0, 0, "/screen", 1)
        worker.submit("ann", [screen, step("/next", Urgency.PLANNED)])
        worker.submit("bob", [step("/other")])
        await eventually(lambda: warming.running == ["/screen", "/other"])

        worker.submit("ann", [Step(Urgency.SCREEN, 0.0, 0, "/swiped", 1), step("/next", Urgency.PLANNED)])
        await eventually(lambda: warming.ended == ["/screen"])
        await eventually(lambda: warming.running == ["/other", "/swiped"])

        worker.submit("ann", [step("/next", Urgency.PLANNED)])
        await eventually(lambda: warming.running == ["/other", "/next"])


async def test_what_waited_for_the_screen_comes_when_that_is_there() -> None:
    warming = Warming()
    async with working(warming) as worker:
        worker.submit("ann", [Step(Urgency.SCREEN, 0.0, 0, "/screen", 1), step("/next")])
        await eventually(lambda: warming.running == ["/screen"])
        warming.gate.set()
        await eventually(lambda: warming.came == ["/screen", "/next"])


async def test_what_no_player_was_told_yet_leaves_room_for_what_one_is_told_next() -> None:
    warming = Warming()
    async with working(warming, n_concurrent=2) as worker:
        worker.submit("ann", [step("/ahead"), step("/farther")])
        await eventually(lambda: warming.running == ["/ahead"])

        worker.submit("bob", [step("/told", Urgency.PLANNED)])

        await eventually(lambda: warming.running == ["/ahead", "/told"])


async def test_what_is_warmed_for_one_session_ends_when_its_viewer_hangs_up() -> None:
    warming = Warming()
    async with working(warming) as worker:
        worker.submit("ann", [step("/own"), step("/shared")])
        await eventually(lambda: len(warming.running) == 2)
        worker.submit("bob", [step("/shared")])

        for path in ("/own", "/shared", "/unknown"):
            worker.hung_up(path)

        await eventually(lambda: warming.running == ["/shared"])
        assert warming.ended == ["/own"]


async def test_what_waits_for_the_screen_waits_for_another_sessions_warming_of_it_too() -> None:
    warming = Warming()
    async with working(warming) as worker:
        worker.submit("bob", [step("/screen")])
        await eventually(lambda: warming.running == ["/screen"])

        worker.submit("ann", [Step(Urgency.SCREEN, 0.0, 0, "/screen", 1), step("/next", Urgency.PLANNED)])
        worker.submit("carl", [step("/other")])

        await eventually(lambda: warming.running == ["/screen", "/other"])
        warming.gate.set()
        await eventually(lambda: sorted(warming.came) == ["/next", "/other", "/screen"])


async def test_a_full_backlog_holds_nothing_back_for_a_screen_that_it_dropped() -> None:
    warming = Warming()
    warming.gate.set()
    worker = PrefetchWorker(warming.ways, PrefetchLimits(max_steps=1), FakeClock())
    worker.submit("bob", [step("/full")])
    worker.submit("ann", [Step(Urgency.SCREEN, 0.0, 0, "/dropped", 1), step("/next")])
    assert not worker.n_held_back


async def test_what_was_cut_gives_its_bytes_back_to_the_budget() -> None:
    warming = Warming()
    clock, limits = FakeClock(), PrefetchLimits(burst_bytes=100_000)
    ways = warming.ways._replace(arrived_bytes=lambda path: 20_000)
    worker = PrefetchWorker(ways, limits, clock)
    task = asyncio.create_task(worker.run_forever())
    worker.submit("ann", [step("/left")._replace(size_bytes=90_000)])
    await eventually(lambda: warming.running == ["/left"])
    assert worker.budget.take(80_000, clock.monotonic()) > 0

    worker.submit("ann", [])

    assert worker.budget.take(80_000, clock.monotonic()) == 0
    task.cancel()
    await asyncio.wait([task])


async def test_of_what_is_as_urgent_comes_first_what_is_needed_first() -> None:
    warming = Warming()
    async with working(warming, n_concurrent=1) as worker:
        worker.submit("ann", [step("/first", Urgency.PLANNED)])
        await eventually(lambda: warming.running == ["/first"])
        worker.submit("bob", [step("/late", Urgency.PLANNED)._replace(within_s=3.0)])
        worker.submit("carl", [step("/soon", Urgency.PLANNED)._replace(within_s=0.5)])

        warming.gate.set()
        await eventually(lambda: warming.came == ["/first", "/soon", "/late"])
