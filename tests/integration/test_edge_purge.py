"""Purges on several edges over a real NATS: all of them, late ones, cut-off ones; and who has answered."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from edge.app import Edge
from edge.purge.ears import State
from edge.purge.node import PurgeLimits, Purges
from shared.lifecycle import Lifecycle
from shared.messages.catalog import CatalogKind
from shared.messages.purge import PurgeOrder
from shared.subjects import PURGE
from tests.region import ONE, TEN, Region, know_each_other
from tests.waiting import eventually


async def test_a_purge_by_tag_reaches_every_edge_and_no_other_tag(region: Region) -> None:
    async with region.edge("e1") as one, region.edge("e2") as two, region.edge("e3") as three:
        await region.fill(one, two, three)
        await know_each_other(one, two, three)

        told = await region.purge(two, tag="video:1", wait_s=10)

        assert told["complete"] and not told["local_only"] and told["revision"] == 1
        assert told["purged"] == 3
        assert [(row["node"], row["objects"]) for row in told["nodes"]] == [("e1", 1), ("e2", 1), ("e3", 1)]
        assert all(0 < row["took_ms"] <= row["after_ms"] + 1000 and row["at_ms"] for row in told["nodes"])
        for edge in (one, two, three):
            assert await region.is_hit(edge, TEN)
            assert not await region.is_hit(edge, ONE)


async def test_a_node_that_does_not_answer_is_named(region: Region) -> None:
    async with region.edge("e1") as one, region.edge("e2") as two:
        await know_each_other(one, two)
        one._desk._heard_s["e9"] = one._clock.monotonic()

        told = await region.purge(one, all=True, wait_s=0.3)

    assert not told["complete"]
    assert [(row["node"], row["answered"]) for row in told["nodes"]] == [
        ("e1", True),
        ("e2", True),
        ("e9", False),
    ]


@pytest.mark.parametrize("soft", [False, True])
async def test_an_edge_that_was_down_replays_before_it_is_ready(region: Region, soft: bool) -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(region.edge("e1"))
        async with region.edge("e2") as two:
            await region.fill(one, two)
        await region.purge(one, tag="video:1", soft=soft, wait_s=0)

        two = await stack.enter_async_context(region.edge("e2"))
        assert await region.is_ready(two)
        assert not await region.is_hit(two, ONE)
        assert await region.is_hit(two, TEN)


async def test_not_one_stale_byte_is_served_while_the_log_is_replayed(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, apply = asyncio.Event(), Purges.apply

    async def slow(purges: Purges, order: PurgeOrder) -> int:
        await gate.wait()
        return await apply(purges, order)

    async with region.edge("e1") as one, Lifecycle(grace_s=5.0) as life:
        async with region.edge("e2") as two:
            await region.fill(two)
        await region.purge(one, tag="video:1", wait_s=0)
        monkeypatch.setattr(Purges, "apply", slow)
        two = Edge(region.config("e2", purge=PurgeLimits(hold_s=20.0)))
        starting = asyncio.create_task(two.start(life))
        await eventually(lambda: two.url)
        asked = [asyncio.create_task(region.status(two, path)) for path in (ONE, TEN) for _ in range(5)]
        await eventually(lambda: two.replays.states[PURGE.name] is State.BEHIND)

        is_ready, n_done = await region.is_ready(two), sum(task.done() for task in asked)
        gate.set()
        await starting
        answers = await asyncio.gather(*asked)

        assert not is_ready and n_done == 0
        assert await region.is_ready(two)
        assert not any("; hit" in came_from for _, came_from in answers[:5])
        assert all("; hit" in came_from for _, came_from in answers[5:])


async def test_what_is_hot_waits_too_while_the_log_is_replayed(region: Region) -> None:
    async with region.edge("e1") as one:
        for _ in range(5):
            await region.status(one, ONE)
        assert one.delivery.hot.whole
        one.replays.set(PURGE.name, State.BEHIND)

        waiting = asyncio.create_task(region.is_hit(one, ONE))
        for _ in range(10):
            assert not await region.is_ready(one)
        assert not waiting.done()

        one.replays.set(PURGE.name, State.CURRENT)
        assert await waiting


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("asked", [{"tag": "video:1"}, {"url": ONE}, {"all": True}, {"creator": "ann"}])
async def test_a_purge_empties_the_hot_path_too(region: Region, asked: dict[str, Any], soft: bool) -> None:
    async with region.edge("e1") as one:
        for _ in range(5):
            await region.status(one, ONE)
        assert await region.is_hit(one, ONE)

        await region.purge(one, **asked, soft=soft, wait_s=0)

        assert await region.is_hit(one, ONE) is ("creator" in asked)


async def test_an_edge_tells_where_it_stands(region: Region) -> None:
    async with region.edge("e1") as one:
        await region.purge(one, tag="a", soft=True)
        await region.tell(CatalogKind.WITHDRAWN, "10", 3)
        await eventually(lambda: len(one.delivery.cache.tombstones) == 1)

        async def told() -> bool:
            async with region.http.get(f"{one.admin_url}/admin/purges") as answer:
                state = await answer.json()
            places = {name: place["seq"] for name, place in state["places"].items()}
            return (places, state["owed"], state["tombstones"]) == ({"PURGE": 1, "CATALOG": 1}, 0, 1)

        await eventually(told)


@pytest.mark.parametrize(
    "body", [{}, {"tag": "a", "all": True}, {"tag": "a b"}, {"creator": "a/b"}, {"url": ""}]
)
async def test_an_order_that_names_nothing_is_refused(region: Region, body: dict[str, Any]) -> None:
    async with region.edge("e1") as one:
        async with region.http.post(f"{one.admin_url}/admin/purge", json=body) as answer:
            assert answer.status == 400
        async with region.http.post(f"{one.url}/admin/purge", json={"all": True}) as answer:
            assert answer.status >= 404
